//! Who takes part: a hub, its applications, and what either knows of the other. The process that
//! plays the applications makes it, and leaves it in files for the workers.

use crate::Failure;
use chrono::{TimeDelta, Utc};
use federate::crypto::{CryptoProvider, Curve, PrivateKey, SignatureAlgorithm, self_signed};
use federate::logout::{LogoutPolicy, Retries, Timing};
use federate::session::MemoryStore;
use federate::types::NameIdFormat;
use federate::xml::Signer;
use federate::{Application, Hub, IdentityProvider, Party, ServiceProvider, Store};
use federate_http::{Client, Options};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const HUB: &str = "https://hub.example";
pub(crate) const HUB_SOAP_SLO: &str = "https://hub.example/saml/slo/soap";

/// Where nobody listens: a connection is refused at once.
const NOBODY: &str = "http://127.0.0.1:1";

/// How an application behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It answers at once.
    Live,
    /// It takes its time, now and then more than it is given.
    Slow,
    /// Its connections are refused.
    Refusing,
    /// It takes requests and never answers.
    Hanging,
}

impl Kind {
    /// Whether it can be told of a logout.
    pub(crate) const fn listens(self) -> bool {
        matches!(self, Self::Live | Self::Slow)
    }
}

/// How many applications there are, and how many of a hundred are dead or slow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shares {
    pub(crate) applications: usize,
    pub(crate) dead: usize,
    pub(crate) slow: usize,
}

impl Shares {
    /// The dead come first, every other one hanging, then the slow.
    pub(crate) const fn kind(self, application: usize) -> Kind {
        let dead = self.applications * self.dead / 100;
        let slow = self.applications * self.slow / 100;
        if application < dead {
            if application.is_multiple_of(2) {
                Kind::Refusing
            } else {
                Kind::Hanging
            }
        } else if application < dead + slow {
            Kind::Slow
        } else {
            Kind::Live
        }
    }
}

pub(crate) fn entity_id(application: usize) -> String {
    format!("https://app-{application}.example")
}

/// The number in an entity identifier of [`entity_id`].
pub(crate) fn number_of(entity_id: &str) -> Option<usize> {
    let number = entity_id.strip_prefix("https://app-")?;
    number.strip_suffix(".example")?.parse().ok()
}

/// How logouts are carried out: the usual policy with shorter times, so that what is tried again
/// in the background is seen within minutes.
pub(crate) fn policy() -> LogoutPolicy {
    LogoutPolicy {
        timing: Timing {
            attempt: ATTEMPT,
            revocation: TimeDelta::seconds(5),
            back_channel: TimeDelta::seconds(5),
            back_channel_unwatched: TimeDelta::seconds(20),
            background: TimeDelta::minutes(15),
            ..Timing::default()
        },
        retries: Retries {
            first: TimeDelta::milliseconds(200),
            background_first: TimeDelta::seconds(5),
            background_most: TimeDelta::seconds(60),
            ..Retries::default()
        },
        ..LogoutPolicy::default()
    }
}

/// How long an application may take to answer.
const ATTEMPT: TimeDelta = TimeDelta::seconds(2);

/// How long a slow application takes, by a number at random: one of four answers too late.
pub(crate) fn delay(random: u64) -> Duration {
    Duration::from_millis(500 + random % 2000)
}

/// Keys are of the curve P-256, whose signatures take a twentieth of the time that those of RSA do:
/// what is measured is the way of a logout, and not what its messages cost to sign.
fn keys(provider: &CryptoProvider, name: &str) -> Result<(PrivateKey, String), Failure> {
    let private = provider.keys.generate_ec(Curve::P256)?;
    let algorithm = SignatureAlgorithm::usual_for(private.key_type());
    let key = provider.keys.load_signing_key(&private, algorithm)?;
    let now = Utc::now();
    let day = TimeDelta::days(1);
    let certificate = self_signed(provider, &*key, name, now - day, now + day)?;
    Ok((private, certificate.to_pem()))
}

/// Makes the keys and the metadata of all, the applications' SOAP services below `address`, and
/// leaves what a worker needs in files. Gives the signers of the applications.
pub(crate) fn make(
    provider: &CryptoProvider,
    folder: &Path,
    shares: Shares,
    address: &str,
) -> Result<Vec<Signer>, Failure> {
    let (private, certificate) = keys(provider, "hub")?;
    std::fs::write(folder.join("hub.key"), private.to_pem().as_bytes())?;
    std::fs::write(folder.join("hub.crt"), certificate)?;
    let mut signers = Vec::new();
    for number in 0..shares.applications {
        let (private, certificate) = keys(provider, "application")?;
        let entity_id = entity_id(number);
        let party = Party::from_pem(*provider, &entity_id, &private.to_pem(), &certificate)?;
        signers.push(party.signer.clone());
        let base = match shares.kind(number) {
            Kind::Refusing => NOBODY,
            _ => address,
        };
        let store = Arc::new(MemoryStore::default());
        let application = ServiceProvider::new(party, &format!("{entity_id}/acs"), store)?
            .with_soap_logout(&format!("{base}/{number}"))?;
        std::fs::write(metadata(folder, number), application.metadata())?;
    }
    Ok(signers)
}

fn metadata(folder: &Path, application: usize) -> std::path::PathBuf {
    folder.join(format!("application-{application}.xml"))
}

/// The hub's own party, from the files.
pub(crate) fn hub_party(provider: CryptoProvider, folder: &Path) -> Result<Party, Failure> {
    let key = std::fs::read_to_string(folder.join("hub.key"))?;
    let certificate = std::fs::read_to_string(folder.join("hub.crt"))?;
    Ok(Party::from_pem(provider, HUB, &key, &certificate)?)
}

/// A node of the hub, from the files.
pub(crate) fn hub<S: Store>(
    provider: CryptoProvider,
    folder: &Path,
    store: Arc<S>,
) -> Result<Hub<S>, Failure> {
    let party = hub_party(provider, folder)?;
    let sso = format!("{HUB}/saml/sso");
    let slo = format!("{HUB}/saml/slo");
    let mut idp = IdentityProvider::new(party, &sso, &slo)?.with_soap_logout(HUB_SOAP_SLO)?;
    for number in 0.. {
        let Ok(metadata) = std::fs::read(metadata(folder, number)) else {
            break;
        };
        let name = format!("Application {number}");
        let mut application = Application::from_metadata(name, &metadata)?;
        application.name_id_format = NameIdFormat::Persistent;
        idp = idp.with_application(application);
    }
    // Peers are given as long as the policy waits for them.
    let client = Client::new(&Options {
        allow_private_addresses: true,
        allow_http: true,
        timeout: ATTEMPT.to_std()?,
        ..Options::default()
    })?;
    Ok(Hub::new(idp, &[7; 32], store)?
        .with_logout_policy(policy())
        .with_back_channel(client))
}
