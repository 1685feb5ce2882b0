//! A PostgreSQL server.

// Part of a test program: what would be a bug in library code is a verdict here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc)]

use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A PostgreSQL server of its own: a new database cluster in a temporary directory, on a free
/// port of the loopback interface. Dropping it stops the server and removes the directory.
///
/// It commits as a real one does (`fsync` is on), with little memory.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Postgres {
    /// Starts a server; `None`, with a word on standard error, where PostgreSQL is not
    /// installed.
    ///
    /// # Panics
    /// When it does not start, or is not installed and `FEDERATE_REQUIRE_PEERS` is 1.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let required = std::env::var_os("FEDERATE_REQUIRE_PEERS").is_some_and(|v| v == "1");
            assert!(!required, "PostgreSQL is not installed");
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let folder = new_folder();
        let data = folder.join("data");
        let made = unprivileged(&programs.join("initdb"))
            .arg("-D")
            .arg(&data)
            .args(["--username=federate", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C"])
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {made:?}");
        let port = free_port();
        let child = spawn(&programs, &folder, port);
        let mut server = Self {
            programs,
            folder,
            port,
            child,
        };
        server.wait_until_it_answers();
        Some(server)
    }

    /// Where it is reached, as a URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "postgresql://federate@127.0.0.1:{}/postgres?sslmode=disable",
            self.port
        )
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The directory of its files; what is put there goes with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Kills all its processes at once, as a power failure would end them: nothing is written
    /// any more.
    pub fn kill9(&mut self) {
        for process in self.processes() {
            let _ = Command::new("kill")
                .args(["-9", &process])
                .stderr(Stdio::null())
                .status();
        }
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port and files, after [`Postgres::kill9`] or
    /// [`Postgres::stop`].
    pub fn restart(&mut self) {
        // What a killed server leaves behind would keep the next one from starting while one
        // of its processes is ending.
        let started = Instant::now();
        loop {
            self.child = spawn(&self.programs, &self.folder, self.port);
            std::thread::sleep(Duration::from_millis(100));
            if self.child.try_wait().unwrap().is_none() {
                break;
            }
            assert!(started.elapsed() < LONGEST_START, "{}", self.log());
        }
        self.wait_until_it_answers();
    }

    /// Stops it, orderly but without waiting for its clients.
    pub fn stop(&mut self) {
        let stopped = unprivileged(&self.programs.join("pg_ctl"))
            .arg("-D")
            .arg(self.folder.join("data"))
            .args(["stop", "-m", "fast", "-w"])
            .output()
            .unwrap();
        assert!(stopped.status.success(), "pg_ctl stop: {stopped:?}");
        self.child.wait().unwrap();
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        let mut log = String::new();
        if let Ok(mut file) = std::fs::File::open(self.folder.join("log")) {
            let _ = file.read_to_string(&mut log);
        }
        log
    }

    fn wait_until_it_answers(&mut self) {
        let started = Instant::now();
        loop {
            let answers = Command::new(self.programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-U", "federate", "-d", "postgres"])
                .args(["-p", &self.port.to_string()])
                .status()
                .unwrap();
            if answers.success() {
                return;
            }
            let ended = self.child.try_wait().unwrap().is_some();
            let late = started.elapsed() > LONGEST_START;
            assert!(!ended && !late, "PostgreSQL did not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The server, as its file says, and those that it started.
    fn processes(&self) -> Vec<String> {
        let file = self.folder.join("data/postmaster.pid");
        let content = std::fs::read_to_string(file).unwrap_or_default();
        let Some(server) = content.lines().next().map(str::to_owned) else {
            return Vec::new();
        };
        let children = Command::new("pgrep").args(["-P", &server]).output();
        let children = children.map(|output| output.stdout).unwrap_or_default();
        let children = String::from_utf8_lossy(&children).into_owned();
        // The server first, so that it starts no more.
        std::iter::once(server)
            .chain(children.lines().map(str::to_owned))
            .collect()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill9();
        }
        // The last of its processes may still be ending.
        for _ in 0..50 {
            if std::fs::remove_dir_all(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

const LONGEST_START: Duration = Duration::from_secs(60);

/// Where the server's programs are: some distributions keep them out of the path.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    folders.sort();
    folders.reverse();
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    folders.push("/usr/local/pgsql/bin".into());
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// A program of the server's, which runs for nobody who may do everything.
fn unprivileged(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

fn new_folder() -> PathBuf {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("federate-postgres-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    if is_root() {
        let mut own = Command::new("chown");
        assert!(own.arg("postgres").arg(&folder).status().unwrap().success());
    }
    folder
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn spawn(programs: &Path, folder: &Path, port: u16) -> Child {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    unprivileged(&programs.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
        .args(["-c", "unix_socket_directories="])
        .args(["-c", "shared_buffers=64MB", "-c", "max_connections=100"])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}
