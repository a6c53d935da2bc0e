//! The log of one container, followed for as long as somebody looks at it.
//!
//! ```text
//!  open --> Opened --> Lines ... --+-- ended with its container, cut, busy --> Lost --> open again from the last line
//!    |                             +-- a previous run's log: Ended
//!    +-- 403, pod gone: Ended (in words)
//! ```
//!
//! After a loss it is asked again from the second of the last line: when that line is among what comes, nothing is
//! missing; when it is not, somebody is told that something may be. Lines are cut where they are longer than a screen
//! can use, and what was cut is counted; nothing here buffers more than one line and one batch.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout, timeout_at};

use super::connect::Connected;
use super::error::ReadError;
use super::http::{escaped, stream};
use super::logs::{clean, pod_json};
use crate::domain::Time;
use crate::domain::clean::{Clean, LONGEST};
use crate::domain::pod::{LogLine, LogNews, LogRequest};

/// Lines are collected for so long before they are told: a frame shows them together anyway.
const BATCH: Duration = Duration::from_millis(50);
/// A stream that was lost and stays open for so long stands again, even where nothing new comes.
const STANDS: Duration = Duration::from_secs(1);
/// Lines that are told together at most.
const MOST: usize = 500;
/// Between two tries, doubled up to [`SLOWEST`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const SLOWEST: Duration = Duration::from_secs(10);

/// Nobody listens any more.
struct Closed;

/// Why one reading of the log stopped.
enum Stopped {
    /// It cannot be read at all, in words.
    ForGood(Clean),
    /// It may go on, in words.
    ForNow(Clean),
}

/// Follows the log until it ends for good or nobody listens.
pub async fn follow_log(connected: &Connected, request: &LogRequest, tx: Sender<LogNews>) {
    let mut following = Following {
        connected,
        request,
        tx,
        last: request.after.map(|at| (at, None)),
        lost: request.after.is_some(),
    };
    let mut wait = FIRST_PAUSE;
    loop {
        let before = following.last.clone();
        let stopped = match following.read().await {
            Ok(stopped) => stopped,
            Err(Closed) => return,
        };
        let told = match stopped {
            Stopped::ForGood(why) => {
                let _ = following.tx.send(LogNews::Ended(why)).await;
                return;
            }
            Stopped::ForNow(why) => following.tx.send(LogNews::Lost(why)).await,
        };
        if told.is_err() {
            return;
        }
        following.lost = true;
        wait = if following.last == before { (wait * 2).min(SLOWEST) } else { FIRST_PAUSE };
        tokio::time::sleep(wait).await;
    }
}

struct Following<'a> {
    connected: &'a Connected,
    request: &'a LogRequest,
    tx: Sender<LogNews>,
    /// Time of the last line and its text, where that was read by us.
    last: Option<(Time, Option<Clean>)>,
    /// It was lost: whether it goes on whole is to be said.
    lost: bool,
}

impl Following<'_> {
    async fn tell(&self, news: LogNews) -> Result<(), Closed> {
        self.tx.send(news).await.map_err(|_| Closed)
    }

    fn path(&self) -> String {
        let LogRequest { pod, container, previous, tail, .. } = self.request;
        let (namespace, name) = (escaped(pod.namespace.as_str()), escaped(pod.name.as_str()));
        let mut path = format!("/api/v1/namespaces/{namespace}/pods/{name}/log?timestamps=true");
        if !container.is_empty() {
            path.push_str(&format!("&container={}", escaped(container.as_str())));
        }
        path.push_str(if *previous { "&previous=true" } else { "&follow=true" });
        match &self.last {
            // The server takes whole seconds.
            Some((at, _)) => {
                let since = at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
                path.push_str(&format!("&sinceTime={}", escaped(&since)));
            }
            None => path.push_str(&format!("&tailLines={tail}")),
        }
        path
    }

    /// Reads until the server's answer ends.
    async fn read(&mut self) -> Result<Stopped, Closed> {
        let opened = stream(&self.connected.watcher, &self.connected.server, &self.path(), "*/*").await;
        let mut pieces = match opened {
            Ok(pieces) => Box::pin(pieces),
            Err(error) => return Ok(self.refused(error)),
        };
        if !self.lost {
            self.tell(LogNews::Opened).await?;
        }
        let mut splitter = Splitter::default();
        let mut seen = Seen { last: self.last.clone(), found: false, over: self.last.is_none() };
        loop {
            let piece = match timeout(STANDS, pieces.next()).await {
                Ok(piece) => piece,
                Err(_) => {
                    if std::mem::take(&mut self.lost) {
                        self.tell(LogNews::Again { whole: seen.found || seen.last.is_none() }).await?;
                    }
                    pieces.next().await
                }
            };
            let Some(piece) = piece else { break };
            let mut ended = None;
            let mut lines = Vec::new();
            match piece {
                Ok(bytes) => splitter.push(&bytes, &mut lines),
                Err(error) => ended = Some(error),
            }
            // What comes within a moment is told together.
            let until = Instant::now() + BATCH;
            while ended.is_none() && lines.len() < MOST {
                match timeout_at(until, pieces.next()).await {
                    Ok(Some(Ok(bytes))) => splitter.push(&bytes, &mut lines),
                    Ok(Some(Err(error))) => ended = Some(error),
                    Ok(None) | Err(_) => break,
                }
            }
            self.lines(lines, &mut seen).await?;
            if let Some(error) = ended {
                return Ok(Stopped::ForNow(Clean::new(error.to_string())));
            }
        }
        let mut rest = Vec::new();
        splitter.end(&mut rest);
        self.lines(rest, &mut seen).await?;
        if self.request.previous {
            return Ok(Stopped::ForGood("the end of what the container before the restart wrote".into()));
        }
        Ok(self.why_it_ended().await)
    }

    /// Tells lines that were not told before.
    async fn lines(&mut self, lines: Vec<LogLine>, seen: &mut Seen) -> Result<(), Closed> {
        let new: Vec<LogLine> = lines.into_iter().filter(|line| seen.is_new(line)).collect();
        if !new.is_empty() && std::mem::take(&mut self.lost) {
            self.tell(LogNews::Again { whole: seen.found || seen.last.is_none() }).await?;
        }
        if let Some(line) = new.last() {
            self.last = line.at.map(|at| (at, Some(line.text.clone()))).or(self.last.take());
            self.tell(LogNews::Lines(new)).await?;
        }
        Ok(())
    }

    fn refused(&self, error: ReadError) -> Stopped {
        match error {
            ReadError::Forbidden(message) => Stopped::ForGood(Clean::new(format!(
                "{message}; hint: ask for a rule with apiGroups [\"\"], resources [pods/log], verbs [get] in namespace {}, as in deploy/logs.yaml",
                self.request.pod.namespace
            ))),
            ReadError::NotFound(message) => Stopped::ForGood(message),
            // A container without an earlier run, or a name that is none, does not change by asking again.
            ReadError::Server { status: 400, message } if self.request.previous => Stopped::ForGood(message),
            ReadError::Server { status: 400, message } => Stopped::ForNow(message),
            other => Stopped::ForNow(Clean::new(other.to_string())),
        }
    }

    /// The answer came to its end without an error: did the container end, is the pod gone, or was it only cut?
    async fn why_it_ended(&self) -> Stopped {
        let pod = match pod_json(self.connected, &self.request.pod).await {
            Ok(pod) => pod,
            Err(ReadError::NotFound(_)) => return Stopped::ForGood("the pod is gone".into()),
            Err(error) => return Stopped::ForNow(Clean::new(error.to_string())),
        };
        if pod["metadata"]["uid"].as_str().is_some_and(|uid| uid != self.request.uid.0) {
            return Stopped::ForGood("the pod is gone, another one has its name now".into());
        }
        let kinds = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
        let mut statuses =
            kinds.iter().flat_map(|kind| pod["status"][*kind].as_array().into_iter().flatten());
        let state = statuses
            .find(|status| status["name"] == self.request.container.as_str())
            .map(|status| &status["state"]);
        let ended = state.filter(|state| state["terminated"].is_object() || state["waiting"].is_object());
        let Some(state) = ended else {
            return Stopped::ForNow("the server ended the stream".into());
        };
        let (word, about) = if state["waiting"].is_object() {
            ("waits", &state["waiting"])
        } else {
            ("ended", &state["terminated"])
        };
        let code = about["exitCode"].as_i64().map_or(String::new(), |code| format!(", exit code {code}"));
        let reason = clean(&about["reason"]);
        Stopped::ForNow(Clean::new(format!("the container {word}: {reason}{code}")))
    }
}

/// Which lines of a reading were told before: those up to the last one that was.
struct Seen {
    last: Option<(Time, Option<Clean>)>,
    /// The last line was among them.
    found: bool,
    /// From here on everything is new.
    over: bool,
}

impl Seen {
    fn is_new(&mut self, line: &LogLine) -> bool {
        if self.over {
            return true;
        }
        let Some((last, text)) = &self.last else { return true };
        match line.at {
            Some(at) if at < *last => false,
            Some(at) if at == *last => {
                // Several lines of one moment: told up to the one whose text was the last.
                let same = text.as_ref().is_none_or(|text| *text == line.text);
                let new = self.found && !same;
                self.found |= same;
                new
            }
            _ => {
                self.over = true;
                true
            }
        }
    }
}

/// Bytes in, lines out. Of a line that does not end only its beginning is kept.
#[derive(Default)]
struct Splitter {
    line: Vec<u8>,
    cut: u64,
}

/// Bytes of a line that are kept, with the time that the server put before it.
const KEPT: usize = LONGEST;

impl Splitter {
    fn push(&mut self, bytes: &[u8], lines: &mut Vec<LogLine>) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.take(&rest[..end]);
            lines.push(self.line());
            rest = &rest[end + 1..];
        }
        self.take(rest);
    }

    fn end(&mut self, lines: &mut Vec<LogLine>) {
        if !self.line.is_empty() {
            lines.push(self.line());
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.line.len()).min(bytes.len());
        self.line.extend_from_slice(&bytes[..room]);
        self.cut += (bytes.len() - room) as u64;
    }

    fn line(&mut self) -> LogLine {
        let bytes = std::mem::take(&mut self.line);
        let cut = std::mem::take(&mut self.cut);
        // A cut may split a character: its half is not shown as something that the container wrote.
        let whole = match std::str::from_utf8(&bytes) {
            Err(error) if cut > 0 && error.error_len().is_none() => &bytes[..error.valid_up_to()],
            _ => &bytes[..],
        };
        let text = String::from_utf8_lossy(whole);
        let (at, text) = match text.split_once(' ') {
            Some((time, rest)) => match time.parse::<Time>() {
                Ok(at) => (Some(at), rest),
                Err(_) => (None, text.as_ref()),
            },
            // A line without any text: the time alone.
            None => match text.parse::<Time>() {
                Ok(at) => (Some(at), ""),
                Err(_) => (None, text.as_ref()),
            },
        };
        LogLine { at, text: Clean::new(text), cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<LogLine> {
        let (mut splitter, mut lines) = (Splitter::default(), Vec::new());
        pieces.iter().for_each(|piece| splitter.push(piece, &mut lines));
        splitter.end(&mut lines);
        lines
    }

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_are_the_same_wherever_the_stream_is_split() {
        let text =
            "2026-11-21T12:00:01.5Z one\n2026-11-21T12:00:02Z \x1b[31mzwei ü\n\nno time\nlast".as_bytes();
        let whole = lines(&[text]);
        assert_eq!(texts(&whole), ["one", "<1b>[31mzwei ü", "", "no time", "last"]);
        assert_eq!(whole[0].at.map(|at| at.to_rfc3339()), Some("2026-11-21T12:00:01.500+00:00".into()));
        for at in 0..text.len() {
            assert_eq!(lines(&[&text[..at], &text[at..]]), whole, "{at}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_kept_to_its_beginning_and_counted() {
        let mut bytes = b"2026-11-21T12:00:01Z ".to_vec();
        bytes.extend(std::iter::repeat_n("ä".as_bytes(), 1_000_000).flatten());
        let found = lines(&[&bytes[..77], &bytes[77..]]);
        assert_eq!(found.len(), 1);
        assert!(found[0].text.as_str().chars().all(|c| c == 'ä'));
        assert_eq!(found[0].cut as usize + KEPT, bytes.len());
    }

    #[test]
    fn after_a_loss_the_last_line_is_looked_for_and_nothing_is_told_twice() {
        let line = |at: &str, text: &str| LogLine { at: at.parse().ok(), text: Clean::new(text), cut: 0 };
        let all = [
            line("2026-11-21T12:00:01.1Z", "a"),
            line("2026-11-21T12:00:01.2Z", "b"),
            line("2026-11-21T12:00:01.2Z", "c"),
            line("2026-11-21T12:00:01.3Z", "d"),
        ];
        let last = all[1].at.map(|at| (at, Some(Clean::new("b"))));
        let mut seen = Seen { last: last.clone(), found: false, over: false };
        let new: Vec<&LogLine> = all.iter().filter(|line| seen.is_new(line)).collect();
        assert_eq!(new, [&all[2], &all[3]]);
        assert!(seen.found);
        let mut rotated = Seen { last, found: false, over: false };
        assert!(rotated.is_new(&all[3]) && !rotated.found, "the last line is not there any more");
    }
}
