//! A Redis server, and a cluster of them.
//!
//! # Panics
//! Whatever cannot be set up is a failed test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc
)] // for tests only

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// A `redis-server` that runs until it is dropped.
#[derive(Debug)]
pub struct Redis {
    dir: PathBuf,
    port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Redis {
    /// Starts a server with these further arguments, on a free port and in a directory of its
    /// own; `None` when the program is not installed, unless `FEDERATE_REQUIRE_PEERS` is 1.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Option<Self> {
        if !is_installed() {
            let required = std::env::var_os("FEDERATE_REQUIRE_PEERS").is_some_and(|v| v == "1");
            assert!(!required, "redis-server is not installed");
            eprintln!("skipped: the tests with Redis: redis-server is not installed");
            return None;
        }
        // Somebody else may take the port between the look and the start.
        for _ in 0..5 {
            let mut server = Self {
                dir: new_directory(),
                port: free_port(),
                arguments: arguments.iter().map(|&argument| argument.into()).collect(),
                child: None,
            };
            if server.spawn() {
                return Some(server);
            }
        }
        panic!("redis-server does not start");
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What it answers to a command, as `redis-cli` prints it.
    pub fn ask(&self, command: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(command)
            .stderr(Stdio::null())
            .output()
            .expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Kills it as a crash would.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// Lets it hang: connections stay, answers do not come, until [`Redis::thaw`].
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let child = self.child.as_ref().expect("it runs");
        let kill = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(kill.expect("kill runs").success());
    }

    /// Starts it again, on what it left on the disk.
    pub fn restart(&mut self) {
        self.kill9();
        assert!(self.spawn(), "it starts again");
    }

    /// Whether it came up.
    fn spawn(&mut self) -> bool {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1"])
            .args(["--dir", self.dir.to_str().expect("a plain path")])
            .args(["--save", "", "--logfile", "redis.log"])
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server runs");
        let child = self.child.insert(child);
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if child.try_wait().expect("its state is known").is_some() {
                return false;
            }
            let pong = Command::new("redis-cli")
                .args(["-p", &self.port.to_string(), "PING"])
                .stderr(Stdio::null())
                .output()
                .expect("redis-cli runs");
            if pong.stdout.starts_with(b"PONG") {
                return true;
            }
            sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Three primaries that share the slots.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts the three and waits until they agree; `None` as for [`Redis::start`].
    #[must_use]
    pub fn start() -> Option<Self> {
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..3 {
            let bus = free_port().to_string();
            let arguments = ["--cluster-enabled", "yes", "--cluster-port", &bus];
            nodes.push(Redis::start(&arguments)?);
            buses.push(bus);
        }
        let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
        for (node, (from, to)) in nodes.iter().zip(slots) {
            assert_eq!(node.ask(&["CLUSTER", "ADDSLOTSRANGE", from, to]), "OK");
        }
        for (epoch, node) in (1..).zip(&nodes) {
            node.must(&["CLUSTER", "SET-CONFIG-EPOCH", &format!("{epoch}")]);
        }
        let first = nodes.first().expect("there are three");
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            first.must(&["CLUSTER", "MEET", "127.0.0.1", &node.port.to_string(), bus]);
        }
        let cluster = Self { nodes };
        let began = Instant::now();
        while !cluster.agrees() {
            assert!(began.elapsed() < PATIENCE, "the cluster does not form");
            sleep(Duration::from_millis(50));
        }
        Some(cluster)
    }

    /// Where its nodes are.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// Its nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// Its nodes, to be killed and started again.
    pub fn nodes_mut(&mut self) -> &mut [Redis] {
        &mut self.nodes
    }

    fn agrees(&self) -> bool {
        self.nodes.iter().all(|node| {
            let info = node.ask(&["CLUSTER", "INFO"]);
            [
                "cluster_state:ok",
                "cluster_slots_ok:16384",
                "cluster_known_nodes:3",
            ]
            .iter()
            .all(|line| info.contains(line))
        })
    }
}

impl Redis {
    fn must(&self, command: &[&str]) {
        assert_eq!(self.ask(command), "OK", "{command:?}");
    }
}

fn is_installed() -> bool {
    Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

fn new_directory() -> PathBuf {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("federate-redis-{}-{made}", std::process::id());
    let dir = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&dir); // of a process with the same number, long ago
    std::fs::create_dir_all(&dir).expect("there is room");
    dir
}
