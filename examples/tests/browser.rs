//! The main job in a real browser: one sign-in, two applications, one logout.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing)]

mod browser {
    mod accessibility;
    mod frames;
    mod logout;
    mod narrow;
    mod plain;
    pub(crate) mod programs;
    mod soap;
    mod upstream;
    mod world;
}

use browser::programs::{Browser, Hub, ThirdPartyCookies, free_ports, missing_browser};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use thirtyfour::prelude::*;

/// How long a page may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The browser, with what the test asks of pages.
struct Walk {
    driver: WebDriver,
    /// Whether pages may run scripts.
    scripts: bool,
    screenshots: Option<PathBuf>,
}

impl Walk {
    /// Keeps screenshots where `FEDERATE_SCREENSHOTS` says.
    fn new(driver: WebDriver) -> Self {
        let screenshots = std::env::var_os("FEDERATE_SCREENSHOTS").map(PathBuf::from);
        if let Some(folder) = &screenshots {
            std::fs::create_dir_all(folder).unwrap();
        }
        Self {
            driver,
            scripts: true,
            screenshots,
        }
    }

    /// In a browser that runs no scripts.
    fn without_scripts(driver: WebDriver) -> Self {
        Self {
            scripts: false,
            ..Self::new(driver)
        }
    }

    /// Where a form would submit itself, the person does it if there are no scripts.
    async fn send_form_by_hand(&self) {
        if !self.scripts {
            self.wait_for_text("Your browser does not run scripts.")
                .await;
            self.click("form button").await;
        }
    }

    /// Waits for the element: redirects and forms that submit themselves lie in between.
    async fn element(&self, css: &str) -> WebElement {
        let begun = Instant::now();
        loop {
            match self.driver.find(By::Css(css)).await {
                Ok(element) => return element,
                Err(_) if begun.elapsed() < PATIENCE => {}
                Err(e) => {
                    let at = self.driver.current_url().await;
                    panic!("{css} is not at {at:?}: {e}\n{}", self.text().await)
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn go(&self, address: &str) {
        self.driver.goto(address).await.unwrap();
    }

    async fn click(&self, css: &str) {
        self.element(css).await.click().await.unwrap();
    }

    async fn text_of(&self, css: &str) -> String {
        self.element(css).await.text().await.unwrap()
    }

    /// All text of the page, or nothing while there is none.
    async fn text(&self) -> String {
        match self.driver.find(By::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    async fn wait_for_text(&self, text: &str) {
        let begun = Instant::now();
        while !self.text().await.contains(text) {
            assert!(
                begun.elapsed() < PATIENCE,
                "no {text:?}: {}",
                self.text().await
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn shoot(&self, name: &str) {
        if let Some(folder) = &self.screenshots {
            let path = folder.join(format!("{name}.png"));
            self.driver.screenshot(&path).await.unwrap();
        }
    }

    async fn type_into(&self, css: &str, text: &str) {
        self.element(css).await.send_keys(text).await.unwrap();
    }
}

/// Names of the parties' addresses at these ports.
struct Addresses {
    hub: String,
    a: String,
    b: String,
}

/// Whether there is no browser here, and none is required.
fn is_skipped() -> bool {
    let Some(missing) = missing_browser() else {
        return false;
    };
    assert!(
        std::env::var_os("FEDERATE_REQUIRE_PEERS").is_none_or(|v| v != "1"),
        "{missing} is not installed"
    );
    println!("skipped: {missing} is not installed");
    true
}

#[tokio::test]
async fn one_sign_in_two_applications_one_logout() {
    if is_skipped() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let port = free_ports(3);
    let addresses = Addresses {
        hub: format!("http://hub.localhost:{port}/"),
        a: format!("http://app-a.localhost:{}/", port + 1),
        b: format!("http://app-b.localhost:{}/", port + 2),
    };
    let hub = Hub::start(port, data.path());
    let password = hub.password("alice");
    let browser = Browser::start();
    let driver = browser.driver(ThirdPartyCookies::Allowed).await;
    let walk = Walk::new(driver.clone());

    sign_in(&walk, &addresses, &password).await;
    second_application(&walk, &addresses).await;
    hub_page(&walk, &addresses).await;
    open_from_the_hub(&walk, &addresses).await;

    assert_eq!(hub.interrupt(), Some(0), "a clean shutdown");
    let hub = Hub::start(port, data.path());
    assert_eq!(hub.password("alice"), password);
    walk.go(&addresses.hub).await;
    walk.wait_for_text("Signed in as Alice Liddell").await;
    walk.go(&addresses.b).await;
    walk.element("#name-id").await;

    log_out(&walk, &addresses).await;
    refusal(&walk, &addresses).await;

    // The browser still holds connections: they do not keep the hub from stopping.
    assert_eq!(hub.interrupt(), Some(0), "a clean shutdown");
    drop(walk);
    driver.quit().await.unwrap();
}

async fn sign_in(walk: &Walk, at: &Addresses, password: &str) {
    walk.go(&at.hub).await;
    walk.shoot("01-hub-signed-out").await;
    walk.go(&at.a).await;
    walk.shoot("02-application-a-signed-out").await;
    walk.click("#sign-in").await;
    walk.type_into("#user", "alice").await;
    walk.shoot("03-sign-in").await;
    walk.type_into("#password", "wrong").await;
    walk.click("button").await;
    walk.wait_for_text("The user name or the password is wrong.")
        .await;
    let kept = walk.element("#user").await.value().await.unwrap();
    assert_eq!(kept.as_deref(), Some("alice"));
    walk.shoot("04-wrong-password").await;
    walk.type_into("#password", password).await;
    walk.click("button").await;
    assert_eq!(walk.text_of("#name-id").await, "alice@example.com");
    let format = walk.text_of("#name-id-format").await;
    assert_eq!(
        format,
        "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    );
    let text = walk.text().await;
    for expected in [
        "email alice@example.com",
        "groups editors, staff",
        "name Alice Liddell",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    walk.shoot("05-application-a-signed-in").await;
}

async fn second_application(walk: &Walk, at: &Addresses) {
    walk.go(&at.b).await;
    walk.click("#sign-in").await;
    assert_eq!(walk.text_of("#name-id").await, "alice@example.com");
    assert!(
        walk.driver
            .current_url()
            .await
            .unwrap()
            .as_str()
            .starts_with(&at.b)
    );
    walk.shoot("06-application-b-signed-in").await;
}

async fn hub_page(walk: &Walk, at: &Addresses) {
    walk.go(&at.hub).await;
    walk.wait_for_text("Signed in as Alice Liddell").await;
    let text = walk.text().await;
    for expected in [
        "Demo Application A",
        "Demo Application B",
        "Ends at the latest",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(
        !text.contains("Not yet"),
        "both applications took part: {text}"
    );
    walk.shoot("07-hub-signed-in").await;
}

async fn open_from_the_hub(walk: &Walk, at: &Addresses) {
    walk.go(&at.a).await;
    walk.driver.delete_all_cookies().await.unwrap();
    walk.go(&at.a).await;
    walk.wait_for_text("You are not signed in").await;
    walk.go(&at.hub).await;
    walk.click("button[aria-label='Open Demo Application A']")
        .await;
    assert_eq!(walk.text_of("#name-id").await, "alice@example.com");
    assert!(
        walk.driver
            .current_url()
            .await
            .unwrap()
            .as_str()
            .starts_with(&at.a)
    );
}

async fn log_out(walk: &Walk, at: &Addresses) {
    walk.go(&at.a).await;
    walk.click("#log-out").await;
    walk.wait_for_text("Signing you out").await;
    walk.shoot("08-logout-under-way").await;
    walk.element("#return").await;
    walk.shoot("09-logout-result").await;
    let result = walk.text_of("#result").await;
    assert!(
        result.contains("Demo Application A Asked for this sign-out"),
        "{result}"
    );
    assert!(result.contains("Demo Application B Signed out"), "{result}");
    walk.click("#return").await;
    walk.wait_for_text("Every application that took part confirmed")
        .await;
    assert!(
        walk.driver
            .current_url()
            .await
            .unwrap()
            .as_str()
            .starts_with(&at.a)
    );
    walk.shoot("10-application-a-signed-out").await;
    for address in [&at.a, &at.b, &at.hub] {
        walk.go(address).await;
        walk.wait_for_text("You are not signed in").await;
    }
}

async fn refusal(walk: &Walk, at: &Addresses) {
    walk.go(&format!("{}saml/sso?SAMLRequest=nonsense", at.hub))
        .await;
    walk.wait_for_text("The request was refused").await;
    assert_eq!(walk.text_of("#correlation").await.len(), 16);
    walk.shoot("11-refused").await;
}
