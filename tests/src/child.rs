//! A benchmark's other processes: the benchmark itself in another role, so that a server's time and memory are its own.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

const ROLE: &str = "EVENT_API_BENCH_ROLE";

/// The role in which this process was started; `None` for the benchmark itself.
#[must_use]
pub fn role() -> Option<String> {
    env::var(ROLE).ok()
}

/// A process in a role. It is killed when this is dropped.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    /// The first line that it said: where it listens, for a server.
    pub address: String,
}

impl Child {
    /// Starts this program in `role`, with `argument` as its only one, and waits for its first line.
    ///
    /// # Errors
    /// When it cannot be started, or ends without a line.
    pub fn start(role: &str, argument: &str) -> io::Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .arg(argument)
            .env(ROLE, role)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        if let Some(said) = process.stdout.take() {
            BufReader::new(said).read_line(&mut address)?;
        }
        address.truncate(address.trim_end().len());
        if address.is_empty() {
            return Err(io::Error::other(format!("the process in the role {role:?} said nothing")));
        }
        Ok(Child { process, address })
    }

    /// The processor time that it has taken, all threads together.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn cpu(&self) -> io::Result<Duration> {
        cpu_of(self.process.id())
    }

    /// The memory that it holds, in bytes.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn memory(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
        Ok(kilobytes.unwrap_or(0) * 1024)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The processor time that this process has taken, all threads together.
///
/// # Errors
/// Where there is no `/proc`.
pub fn own_cpu() -> io::Result<Duration> {
    cpu_of(std::process::id())
}

fn cpu_of(process: u32) -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end while this is read.
        let times = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        nanoseconds += times.split(' ').next().and_then(|time| time.parse().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanoseconds))
}
