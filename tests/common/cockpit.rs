//! A person in front of the cockpit: reads the screen, arms, names in the reason what does not pass, types the token.
//! Knows words of the screen and nothing of the program behind it.

#![allow(dead_code, reason = "one test binary uses it")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::common::Screen;
use super::rig::{PATIENCE, pause};

/// Beside the field for the token.
const ASKED: &str = "to approve   ";
/// Between two keys of a quick hand.
const PACE: Duration = Duration::from_millis(60);

/// The cockpit in a pseudo-terminal, as a user of the rig.
pub struct Cockpit {
    /// Keys in, text out.
    pub screen: Screen,
    folder: Arc<tempfile::TempDir>,
}

impl Cockpit {
    /// Opens it with a state folder of its own.
    pub fn open(kubeconfig: &str, more: &[&str]) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self::open_in(kubeconfig, more, folder)
    }

    /// Opens it with this folder for state and configuration.
    pub fn open_in(kubeconfig: &str, more: &[&str], folder: Arc<tempfile::TempDir>) -> Self {
        Self::open_with(kubeconfig, more, folder, &[])
    }

    /// The same with this environment.
    pub fn open_with(
        kubeconfig: &str,
        more: &[&str],
        folder: Arc<tempfile::TempDir>,
        environment: &[(&str, &str)],
    ) -> Self {
        let mut arguments = vec!["--kubeconfig", kubeconfig];
        arguments.extend(more);
        let screen = Screen::start_in(120, 40, &arguments, Arc::clone(&folder), environment);
        Self { screen, folder }
    }

    /// Opens it again where it died: on what it left behind.
    pub fn open_again(&self, kubeconfig: &str) -> Self {
        Self::open_in(kubeconfig, &[], Arc::clone(&self.folder))
    }

    /// Its state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Waits as long as the rig's patience is, which is longer than that of a screen on its own.
    pub fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Screen, &str) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let text = self.screen.text();
            if let Some(found) = look(&mut self.screen, &text) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "never came: {what}\n{text}");
            pause();
        }
    }

    /// Waits for words on the screen.
    pub fn wait(&mut self, words: &str) -> String {
        self.until(words, |_, text| text.contains(words).then(|| text.to_owned()))
    }

    /// From the card to the token: `a` when everything was read, a reason that names what does not pass.
    pub fn arm(&mut self, reason: &str) -> String {
        let mut given = false;
        self.until("the token", |screen, text| {
            if let Some(token) = token(text) {
                return Some(token);
            }
            if text.contains("must still name") || text.contains("shows the token") {
                if !given {
                    screen.type_slowly(&format!("{reason} "));
                    given = true;
                } else if text.contains("must still name") {
                    screen.press("\t");
                } else {
                    screen.press("\r");
                }
            } else if text.contains("all effect lines read") || text.contains("then arm again") {
                given = false;
                screen.press("a");
            } else if text.contains("shows more") {
                screen.press("\x1b[6~");
            }
            None
        })
    }

    /// Types the token, each character when the one before it is seen: on a machine that has no time for it a program
    /// reads two keys at once, and refuses what no hand types. The time at which the last key was pressed.
    pub fn approve(&mut self, token: &str) -> Instant {
        for (n, c) in token.char_indices() {
            self.screen.press(&c.to_string());
            let last = n + c.len_utf8() == token.len();
            let typed = format!("to approve   {}", token[..=n].to_uppercase());
            let on = last
                || self.until("the typed character", |_, text| {
                    if text.contains(&typed) { Some(true) } else { (!text.contains(ASKED)).then_some(false) }
                });
            if !on {
                break;
            }
            if !last {
                std::thread::sleep(PACE);
            }
        }
        Instant::now()
    }

    /// The whole gesture. A card that changes between token and last key wants it again.
    pub fn decide(&mut self, reason: &str) -> Instant {
        let begun = Instant::now();
        loop {
            let token = self.arm(reason);
            let key = self.approve(&token);
            let taken = self.until("an answer to the token", |_, text| {
                let still = text.contains("to approve") || text.contains("all effect lines read");
                let void = text.contains("look again, then arm again");
                if text.contains("approved by") {
                    Some(true)
                } else {
                    (void || (still && key.elapsed().as_secs() > 5)).then_some(false)
                }
            });
            if taken {
                return key;
            }
            assert!(begun.elapsed() < PATIENCE, "never taken\n{}", self.screen.text());
        }
    }

    /// Approves, and dies of it. A card that changes between token and last key wants it again.
    pub fn die(&mut self, reason: &str) {
        while !self.screen.ended() {
            let token = self.arm(reason);
            self.approve(&token);
            self.until("its death", |screen, text| {
                (screen.ended() || text.contains("look again, then arm again")).then_some(())
            });
        }
        self.screen.end();
    }

    /// Waits for the end of the action; its title, as in `HELPED api-gateway`.
    pub fn outcome(&mut self, workload: &str) -> String {
        const ENDS: [&str; 7] =
            ["HELPED", "NOT HELPED", "WORSE", "REVERTED", "INCONCLUSIVE", "NOT EXECUTED", "STOPPED HALF WAY"];
        self.until("an outcome", |_, text| {
            let line = text.lines().map(str::trim).find(|l| ENDS.iter().any(|end| l.starts_with(end)))?;
            line.contains(workload).then(|| line.to_owned())
        })
    }

    /// Leaves it: exit code 0, the terminal as it was. The state folder stays.
    pub fn quit(&mut self) {
        self.screen.press("\x03");
        let code = self.screen.end();
        assert_eq!(code, 0, "{}", self.screen.text());
        self.screen.assert_restored();
    }
}

/// The four characters that the card asks for.
fn token(text: &str) -> Option<String> {
    let before = text.split(&format!(" {ASKED}")).next().filter(|before| before.len() < text.len())?;
    before.rsplit(' ').next().map(str::to_owned)
}
