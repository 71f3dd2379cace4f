//! Three attesters, each a process of its own, and what befalls them.

use super::DemoError;
use crate::keys::{keccak, Key};
use plimsoll_interface::H160;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How many there are.
pub const ATTESTERS: usize = 3;

/// How many must sign.
pub const THRESHOLD: u8 = 2;

/// How long one may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a starting one is asked whether it is there.
const POLL: Duration = Duration::from_millis(50);

/// How long killed ones are waited for at the end, and how often they are looked at.
const LAST_PATIENCE: Duration = Duration::from_secs(2);
const LAST_POLL: Duration = Duration::from_millis(5);

/// What befalls one of them in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its process was killed.
    Down(usize),
    /// It does not know the gateway's key and refuses every batch.
    Refusing(usize),
}

impl Trouble {
    /// In every epoch one of them is down or refuses, each in turn.
    #[must_use]
    pub fn of(epoch: u32) -> Self {
        let which = epoch as usize / 2 % ATTESTERS;
        if epoch.is_multiple_of(2) {
            Self::Down(which)
        } else {
            Self::Refusing(which)
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Down(which) => write!(f, "attester {} down", which + 1),
            Self::Refusing(which) => write!(f, "attester {} refuses", which + 1),
        }
    }
}

/// The attesters' processes. They end with this.
pub struct Cast {
    /// Asks them whether they are there. They are on this machine, so no proxy is between.
    http: reqwest::Client,
    folder: PathBuf,
    addresses: [SocketAddr; ATTESTERS],
    processes: [Option<Child>; ATTESTERS],
    /// Everything of their configuration but what differs between them; its last section
    /// is the attester's.
    common: String,
    trouble: Option<Trouble>,
}

/// An attester's key, from the seed.
///
/// # Panics
/// If the hash is none of the numbers that are keys, which takes 2^128 tries to find.
#[must_use]
pub fn key(seed: u64, which: usize) -> Key {
    derived(&format!("plimsoll demo {seed}, attester {which}"))
}

/// The gateway's key, from the seed.
///
/// # Panics
/// As [`key`].
#[must_use]
pub fn gateway_key(seed: u64) -> Key {
    derived(&format!("plimsoll demo {seed}, gateway"))
}

fn derived(name: &str) -> Key {
    Key::from_bytes(keccak(name.as_bytes())).expect("all but one in 2^128 hashes are keys")
}

impl Cast {
    /// Free addresses for the attesters, whose files will be in `folder`.
    ///
    /// # Errors
    /// If the system gives no port.
    pub fn new(folder: &Path, seed: u64, common: String) -> Result<Self, DemoError> {
        let mut listeners = Vec::new();
        for which in 0..ATTESTERS {
            let key = keccak(format!("plimsoll demo {seed}, attester {which}").as_bytes());
            write_private(
                &folder.join(format!("attester-{which}.key")),
                &format!("0x{}\n", hex::encode(key)),
            )?;
            // All are held until each has one, so that no two are the same.
            listeners.push(
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                    .map_err(DemoError::files("a local port"))?,
            );
        }
        let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); ATTESTERS];
        for (address, listener) in addresses.iter_mut().zip(&listeners) {
            *address = listener
                .local_addr()
                .map_err(DemoError::files("a local port"))?;
        }
        Ok(Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            folder: folder.to_owned(),
            addresses,
            processes: [None, None, None],
            common,
            trouble: None,
        })
    }

    /// Their URLs.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.addresses
            .iter()
            .map(|address| format!("http://{address}"))
            .collect()
    }

    /// Lets `trouble` befall them, after what befell them before is mended.
    ///
    /// # Errors
    /// If one that should run does not.
    pub async fn befall(&mut self, trouble: Trouble, gateway: H160) -> Result<(), DemoError> {
        let stranger = H160::repeat_byte(0xee);
        for which in 0..ATTESTERS {
            let wanted = (
                trouble == Trouble::Down(which),
                trouble == Trouble::Refusing(which),
            );
            let had = self
                .trouble
                .map(|old| (old == Trouble::Down(which), old == Trouble::Refusing(which)));
            if had == Some(wanted) {
                continue;
            }
            self.stop(which).await?;
            if !wanted.0 {
                self.start(which, if wanted.1 { stranger } else { gateway })
                    .await?;
            }
        }
        self.trouble = Some(trouble);
        Ok(())
    }

    async fn stop(&mut self, which: usize) -> Result<(), DemoError> {
        if let Some(mut process) = self.processes[which].take() {
            process
                .kill()
                .await
                .map_err(DemoError::files("an attester's process"))?;
        }
        Ok(())
    }

    async fn start(&mut self, which: usize, signer: H160) -> Result<(), DemoError> {
        let config = self.folder.join(format!("attester-{which}.toml"));
        let log = self.folder.join(format!("attester-{which}.log"));
        let address = self.addresses[which];
        let text = self.common.replace("{signer}", &format!("{signer:?}"))
            + &format!(
                "listen = \"{address}\"\njournal = \"attester-{which}.sqlite\"\nkey_file = \"attester-{which}.key\"\n"
            );
        std::fs::write(&config, text).map_err(DemoError::files("an attester's configuration"))?;
        let out = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(DemoError::files("an attester's log"))?;
        let err = out
            .try_clone()
            .map_err(DemoError::files("an attester's log"))?;
        let executable = std::env::current_exe().map_err(DemoError::files("this program"))?;
        let process = Command::new(executable)
            .arg("attester")
            .arg("--config")
            .arg(&config)
            // What it asks over HTTP is on this machine, too.
            .env("NO_PROXY", Ipv4Addr::LOCALHOST.to_string())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .kill_on_drop(true)
            .spawn()
            .map_err(DemoError::files("an attester's process"))?;
        self.processes[which] = Some(process);
        self.wait(which, &log).await
    }

    /// Waits until an attester answers.
    async fn wait(&mut self, which: usize, log: &Path) -> Result<(), DemoError> {
        let started = Instant::now();
        let health = format!("http://{}/health", self.addresses[which]);
        loop {
            let answer = self.http.get(&health).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            let ended = match &mut self.processes[which] {
                Some(process) => process
                    .try_wait()
                    .map_err(DemoError::files("an attester's process"))?
                    .is_some(),
                None => true,
            };
            if ended || started.elapsed() >= PATIENCE {
                let text = std::fs::read_to_string(log).unwrap_or_default();
                let last = text
                    .lines()
                    .last()
                    .unwrap_or("nothing in its log")
                    .to_owned();
                return Err(DemoError::Attester {
                    which: which + 1,
                    last,
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for Cast {
    /// Their files can be removed once they have ended.
    fn drop(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            // One that has ended already need not be ended.
            let _ = process.start_kill();
        }
        let started = Instant::now();
        for process in self.processes.iter_mut().flatten() {
            while matches!(process.try_wait(), Ok(None)) && started.elapsed() < LAST_PATIENCE {
                std::thread::sleep(LAST_POLL);
            }
        }
    }
}

fn write_private(path: &Path, text: &str) -> Result<(), DemoError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(DemoError::files("an attester's key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_down_once_and_refuses_once_within_six_epochs() {
        let mut troubles: Vec<String> =
            (0..6).map(|epoch| Trouble::of(epoch).to_string()).collect();
        troubles.sort();
        troubles.dedup();
        assert_eq!(troubles.len(), 2 * ATTESTERS);
    }

    #[test]
    fn at_most_one_is_in_trouble_so_that_enough_can_sign() {
        const { assert!(ATTESTERS > THRESHOLD as usize) };
        const { assert!(THRESHOLD as usize * 2 > ATTESTERS) };
    }
}
