//! A service provider: `service_provider KEY CERTIFICATE IDP-METADATA`, at
//! <http://app.localhost:8090>. `federate keygen` makes a key and a certificate.

use axum::{Router, routing::get};
use federate::{Party, ServiceProvider, crypto::aws_lc_provider, session::MemoryStore};
use federate_axum::{SignedIn, Site, SpState, sp, sp_router};
use std::{env, error::Error, fs, io::ErrorKind, sync::Arc};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = |number| fs::read_to_string(env::args().nth(number).ok_or(ErrorKind::NotFound)?);
    let site = Site::new("http://app.localhost:8090", "app", "The App")?;
    let entity_id = site.url(sp::METADATA);
    let party = Party::from_pem(aws_lc_provider(), &entity_id, &file(1)?, &file(2)?)?;
    let sp = ServiceProvider::new(party, &site.url(sp::ACS), Arc::new(MemoryStore::default()))?
        .with_single_logout(&site.url(sp::SLO))?
        .with_identity_provider(file(3)?.as_bytes())?;
    let state = SpState::new(Arc::new(sp), site);
    let pages = Router::new()
        .route("/", get(home))
        .with_state(state.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8090").await?;
    Ok(axum::serve(listener, sp_router(state).merge(pages)).await?)
}

async fn home(person: SignedIn) -> String {
    format!(
        "Hello, {}",
        person.name_id().map_or("you", |name| name.value())
    )
}
