//! Three layers: an identity provider upstream, the hub, its applications. Upstream is a second
//! hub.

use super::accessibility::assert_accessible;
use super::narrow::assert_legible;
use super::programs::{Browser, Hub, ThirdPartyCookies, free_ports};
use super::world::{PASSWORD, fetch};
use crate::{Walk, is_skipped};
use federate::crypto::aws_lc_provider;
use federate::hub::hash_password;
use tempfile::TempDir;

/// Both programs (the hub, upstream), and the hub's two demo applications.
struct Layers {
    upstream: String,
    hub: String,
    a: String,
    b: String,
    port: u16,
    folder: TempDir,
    programs: [Option<Hub>; 2],
}

fn stop(program: &mut Option<Hub>) {
    if let Some(program) = program.take() {
        assert_eq!(program.interrupt(), Some(0), "a clean shutdown");
    }
}

impl Layers {
    fn start() -> Self {
        let port = free_ports(4);
        let folder = tempfile::tempdir().unwrap();
        let mut layers = Self {
            upstream: format!("http://upstream.localhost:{}/", port + 3),
            hub: format!("http://hub.localhost:{port}/"),
            a: format!("http://app-a.localhost:{}/", port + 1),
            b: format!("http://app-b.localhost:{}/", port + 2),
            port,
            folder,
            programs: [None, None],
        };
        // Each wants the other's metadata: upstream begins without the hub's.
        layers.start_upstream("");
        layers.keep("upstream.xml", &format!("{}saml/metadata", layers.upstream));
        layers.start_hub("never");
        layers.keep("hub.xml", &format!("{}upstream/metadata", layers.hub));
        layers.start_upstream("[[application]]\nname = \"The Hub\"\nmetadata = \"hub.xml\"\n");
        layers
    }

    /// Writes what is found at an address to a file beside the configuration.
    fn keep(&self, name: &str, address: &str) {
        std::fs::write(self.folder.path().join(name), fetch(address)).unwrap();
    }

    fn configure(&self, name: &str, text: &str) -> String {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    /// Starts the program upstream, or starts it again, with these applications.
    fn start_upstream(&mut self, applications: &str) {
        stop(&mut self.programs[1]);
        let hash = hash_password(&aws_lc_provider(), PASSWORD).unwrap();
        let user = format!(
            "[[user]]\nname = \"carol\"\npassword_hash = \"{hash}\"\n\
             email = \"carol@example.com\"\n"
        );
        let file = self.configure("upstream.toml", &format!("{applications}{user}"));
        let options = ["--no-demo", "--base-url", &self.upstream, "--config", &file];
        let data = self.folder.path().join("upstream");
        self.programs[1] = Some(Hub::start_with(self.port + 3, &data, &options));
    }

    /// Starts the hub, or starts it again, with this policy about upstream.
    fn start_hub(&mut self, policy: &str) {
        stop(&mut self.programs[0]);
        let config = format!(
            "[[upstream]]\nname = \"Upstream\"\nmetadata = \"upstream.xml\"\n\
             email_domains = [\"*\"]\n[logout]\nupstream = \"{policy}\"\n"
        );
        let file = self.configure("hub.toml", &config);
        let data = self.folder.path().join("hub");
        let program = Hub::start_with(self.port, &data, &["--config", &file]);
        self.programs[0] = Some(program);
    }

    /// Signs the person in to both applications, by way of the hub and of upstream.
    async fn sign_in(&self, walk: &Walk) {
        let known = self.is_signed_in_upstream(walk).await;
        walk.go(&self.a).await;
        walk.click("#sign-in").await;
        walk.click("a[href^='/upstream/login']").await;
        if !known {
            walk.wait_for_text("to continue to The Hub").await;
            walk.type_into("#user", "carol").await;
            walk.type_into("#password", PASSWORD).await;
            walk.click("#sign-in").await;
        }
        assert_eq!(walk.text_of("#name-id").await, "carol@example.com");
        walk.go(&self.b).await;
        walk.click("#sign-in").await;
        assert_eq!(walk.text_of("#name-id").await, "carol@example.com");
    }

    /// Whether somebody is signed in upstream, by its own page.
    async fn is_signed_in_upstream(&self, walk: &Walk) -> bool {
        walk.go(&self.upstream).await;
        let text = walk.text_of("h1").await;
        match text.as_str() {
            "Signed in as carol" => true,
            "You are not signed in" => false,
            other => panic!("{other}"),
        }
    }

    /// Neither at the hub nor at its applications, by their own pages.
    async fn assert_signed_out_below(&self, walk: &Walk) {
        for address in [&self.a, &self.b, &self.hub] {
            walk.go(address).await;
            assert_eq!(
                walk.text_of("h1").await,
                "You are not signed in",
                "{address}"
            );
        }
    }

    /// Logs out at an application, and back there asks everybody.
    async fn log_out(&self, walk: &Walk, choice: Option<&str>, upstream_says: &str) {
        walk.go(&self.a).await;
        walk.click("#log-out").await;
        if let Some(choice) = choice {
            walk.element(choice).await;
            assert_accessible(walk).await;
            assert_legible(walk, "30-choice").await;
            walk.click(choice).await;
        }
        // Upstream's page in between goes on by itself.
        walk.wait_for_text("You return to Demo Application A in a few seconds.")
            .await;
        let result = walk.text_of("#result").await;
        assert!(result.contains("Demo Application B Signed out"), "{result}");
        let line = format!("{}saml/metadata {upstream_says}", self.upstream);
        assert!(result.lines().any(|found| found == line), "{result}");
        walk.shoot(&format!(
            "31-result-upstream-{}",
            upstream_says.replace(' ', "-")
        ))
        .await;
        walk.click("#return").await;
        walk.wait_for_text("Every application that took part confirmed")
            .await;
        assert!(
            walk.driver
                .current_url()
                .await
                .unwrap()
                .as_str()
                .starts_with(&self.a)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_upstream_ends_as_the_policy_and_the_person_want() {
    if is_skipped() {
        return;
    }
    let mut layers = Layers::start();
    let browser = Browser::start();
    let walk = Walk::new(browser.driver(ThirdPartyCookies::Blocked).await);
    for (policy, choice, ends) in [
        ("never", None, false),
        ("ask", Some("#keep-upstream"), false),
        ("ask", Some("#end-upstream"), true),
        ("always", None, true),
    ] {
        layers.start_hub(policy);
        layers.sign_in(&walk).await;
        assert!(layers.is_signed_in_upstream(&walk).await);
        let says = if ends { "Signed out" } else { "Not asked" };
        layers.log_out(&walk, choice, says).await;
        layers.assert_signed_out_below(&walk).await;
        assert_eq!(layers.is_signed_in_upstream(&walk).await, !ends);
    }
    walk.driver.clone().quit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_upstream_ends_everything_below_and_comes_back() {
    if is_skipped() {
        return;
    }
    let layers = Layers::start();
    let browser = Browser::start();
    let walk = Walk::new(browser.driver(ThirdPartyCookies::Blocked).await);
    layers.sign_in(&walk).await;
    assert!(layers.is_signed_in_upstream(&walk).await);
    walk.click("#log-out").await;
    walk.wait_for_text("Every application confirmed its sign-out.")
        .await;
    let at = walk.driver.current_url().await.unwrap();
    assert!(at.as_str().starts_with(&layers.upstream), "{at}");
    assert_eq!(
        walk.text_of("#result").await.lines().last(),
        Some("The Hub Signed out")
    );
    walk.shoot("32-result-at-upstream").await;
    layers.assert_signed_out_below(&walk).await;
    assert!(!layers.is_signed_in_upstream(&walk).await);
    walk.driver.clone().quit().await.unwrap();
}
