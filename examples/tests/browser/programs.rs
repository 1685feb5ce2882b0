//! The programs of the test: the hub and the browser.

use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use thirtyfour::{
    CapabilitiesHelper as _, ChromiumLikeCapabilities as _, DesiredCapabilities, PageLoadStrategy,
    WebDriver,
};

const CHROMIUM: &str = "/usr/bin/chromium";

/// What of the browser is not installed.
pub(crate) fn missing_browser() -> Option<&'static str> {
    let driver = Command::new("chromedriver")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    match (driver, Path::new(CHROMIUM).exists()) {
        (Err(_), _) => Some("chromedriver"),
        (_, false) => Some("chromium"),
        _ => None,
    }
}

/// The first of several ports in a row that are free now.
pub(crate) fn free_ports(count: u16) -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (0..100)
        .filter_map(|_| TcpListener::bind(("127.0.0.1", 0)).ok()?.local_addr().ok())
        .map(|address| address.port())
        .find(|port| *port < 65_000 && (*port..port + count).all(free))
        .expect("free ports")
}

/// Waits for a line of the program's output, and gives all that came before it too.
fn read_until(child: &mut Child, marker: &str) -> String {
    let output = child.stdout.take().expect("it is piped");
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = send.send(line); // the test may have read enough
        }
    });
    let (mut text, begun) = (String::new(), Instant::now());
    while !text.contains(marker) {
        let left = Duration::from_secs(60).saturating_sub(begun.elapsed());
        match receive.recv_timeout(left) {
            Ok(line) => text = format!("{text}{line}\n"),
            Err(e) => panic!("{marker:?} did not come: {e}: {text}"),
        }
    }
    text
}

/// The hub's program.
pub(crate) struct Hub {
    child: Child,
    said: String,
}

impl Hub {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(port: u16, data: &Path) -> Self {
        Self::start_with(port, data, &[])
    }

    /// Starts it with more options.
    pub(crate) fn start_with(port: u16, data: &Path, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
            .args(["--port", &port.to_string(), "--data-dir"])
            .arg(data)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the hub starts");
        let said = read_until(&mut child, "Ctrl-C stops it.");
        Self { child, said }
    }

    /// The password that it printed.
    pub(crate) fn password(&self, user: &str) -> String {
        let mut words = self
            .said
            .split_whitespace()
            .skip_while(|word| *word != user);
        words.nth(1).expect("the demo user is printed").to_owned()
    }

    /// Does what Ctrl-C does, and gives the exit code.
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-INT", &id]).status();
        assert!(status.expect("kill runs").success());
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

/// Whether sites get their cookies in frames of other sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ThirdPartyCookies {
    Allowed,
    Blocked,
}

/// What a person chooses in the settings: 0 is to allow them, 1 is to block them.
fn settings(cookies: ThirdPartyCookies) -> Value {
    let mode = u8::from(cookies == ThirdPartyCookies::Blocked);
    serde_json::json!({ "profile.cookie_controls_mode": mode })
}

/// A browser without a window, and its driver.
pub(crate) struct Browser {
    driver: Child,
    port: String,
    profile: TempDir,
}

impl Browser {
    /// Starts the driver.
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let said = read_until(&mut driver, "started successfully on port ");
        let port = said.rsplit("on port ").next().unwrap_or("").trim();
        Self {
            port: port.trim_end_matches('.').to_owned(),
            driver,
            profile: tempfile::tempdir().expect("a directory"),
        }
    }

    /// Starts the browser.
    pub(crate) async fn driver(&self, cookies: ThirdPartyCookies) -> WebDriver {
        self.driver_with(&settings(cookies), PageLoadStrategy::Normal)
            .await
    }

    /// Starts the browser; a page counts as loaded before its frames are.
    pub(crate) async fn driver_before_frames(&self, cookies: ThirdPartyCookies) -> WebDriver {
        self.driver_with(&settings(cookies), PageLoadStrategy::Eager)
            .await
    }

    /// Starts the browser with scripts switched off in the settings.
    pub(crate) async fn driver_without_scripts(&self) -> WebDriver {
        let settings =
            serde_json::json!({ "profile.default_content_setting_values.javascript": 2 });
        self.driver_with(&settings, PageLoadStrategy::Normal).await
    }

    async fn driver_with(&self, settings: &Value, loaded: PageLoadStrategy) -> WebDriver {
        let mut wishes = DesiredCapabilities::chrome();
        wishes.set_binary(CHROMIUM).expect("a path");
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1000,900",
            &profile,
        ] {
            wishes.add_arg(argument).expect("an argument");
        }
        wishes
            .add_experimental_option("prefs", settings)
            .expect("an option");
        wishes.set_page_load_strategy(loaded).expect("a strategy");
        let address = format!("http://127.0.0.1:{}", self.port);
        WebDriver::new(&address, wishes)
            .await
            .expect("the browser starts")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill(); // it may have ended
        let _ = self.driver.wait();
    }
}
