//! The log of a run: what it told and when, in lines that are kept beside what it made.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, EventSink};
use crate::clock::Clock;
use crate::issue::{Code, Issue, Severity, Stage};
use crate::model::{Gvr, ObjectRef};

/// Lines of one log, at most: what a run tells is about types and what goes wrong, so few have as many.
const LINES_MAX: usize = 50_000;

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// When it happened.
    pub at: Timestamp,
    /// How bad it is.
    pub level: Level,
    /// What happened, for people, in one line.
    pub message: String,
    /// The stage of an issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// What an issue is, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The object that an issue is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// The type that was done.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub gvr: Option<Gvr>,
    /// How many objects of it were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<u64>,
}

/// How bad what a line tells is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// All is well.
    Info,
    /// Something was left out or changed on purpose.
    Warning,
    /// Something that was asked for was not done.
    Error,
}

impl LogLine {
    /// A line that says this.
    #[must_use]
    pub fn new(at: Timestamp, level: Level, message: impl Into<String>) -> Self {
        Self { at, level, message: message.into(), stage: None, code: None, object: None, gvr: None, objects: None }
    }

    /// What an event comes to in a log; nothing, where it only says how far the run is.
    fn of(event: &Event, at: Timestamp) -> Option<Self> {
        let info = |message: String| Self::new(at, Level::Info, message);
        match event {
            Event::Stage(what) => Some(info(what.clone())),
            Event::TypeDone { gvr, objects: objects @ 1.. } => {
                let message = format!("{objects} objects of {}", gvr.group_resource());
                Some(Self { gvr: Some(gvr.clone()), objects: Some(*objects), ..info(message) })
            }
            Event::Issue(issue) => Some(Self::of_issue(issue, at)),
            Event::Total { .. } | Event::Progress { .. } | Event::TypeDone { .. } => None,
        }
    }

    fn of_issue(issue: &Issue, at: Timestamp) -> Self {
        let level = match issue.severity {
            Severity::Warning => Level::Warning,
            Severity::Error => Level::Error,
        };
        let (stage, code, object) = (Some(issue.stage), Some(issue.code), issue.object.clone());
        Self { stage, code, object, ..Self::new(at, level, issue.message.clone()) }
    }
}

/// Keeps what a run tells, and passes it on.
#[derive(Debug)]
pub(crate) struct Recorder {
    next: Arc<dyn EventSink>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: Vec<LogLine>,
    dropped: u64,
}

impl Recorder {
    pub(crate) fn new(next: Arc<dyn EventSink>, clock: Arc<dyn Clock>) -> Self {
        Self { next, clock, kept: Mutex::default() }
    }

    /// What was told so far. Where it was more than a log has lines, the last one says how much more.
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        let kept = self.kept();
        let mut lines = kept.lines.clone();
        if kept.dropped > 0 {
            let message = format!("{} more lines were not kept", kept.dropped);
            lines.push(LogLine::new(self.clock.now(), Level::Warning, message));
        }
        lines
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for Recorder {
    fn emit(&self, event: Event) {
        if let Some(line) = LogLine::of(&event, self.clock.now()) {
            let mut kept = self.kept();
            if kept.lines.len() < LINES_MAX {
                kept.lines.push(line);
            } else {
                kept.dropped += 1;
            }
        }
        self.next.emit(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::event::Silent;

    fn recorder() -> Recorder {
        Recorder::new(Arc::new(Silent), Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)))
    }

    #[test]
    fn what_happened_is_kept_and_how_far_it_is_is_not() {
        let recorder = recorder();
        let pods = Gvr::new("", "v1", "pods");
        let at = ObjectRef::namespaced(pods.clone(), "shop", "web");
        for event in [
            Event::Stage("reading".to_owned()),
            Event::Total { objects: 3 },
            Event::Progress { gvr: pods.clone(), objects: 3, bytes: 9 },
            Event::TypeDone { gvr: pods.clone(), objects: 3 },
            Event::TypeDone { gvr: pods, objects: 0 },
            Event::Issue(Issue::error(Stage::Hook, Code::HookFailed, "it failed").about(at)),
        ] {
            recorder.emit(event);
        }
        let told: Vec<String> =
            recorder.lines().iter().map(|line| serde_json::to_string(line).expect("plain data")).collect();
        let at = "\"at\":\"1970-01-01T00:00:00Z\"";
        assert_eq!(told[0], format!("{{{at},\"level\":\"info\",\"message\":\"reading\"}}"));
        assert!(told[1].contains("\"3 objects of pods\",\"type\":\"v1/pods\",\"objects\":3"), "{}", told[1]);
        assert!(told[2].contains("\"level\":\"error\"") && told[2].contains("\"code\":\"hookFailed\""), "{}", told[2]);
        assert_eq!(told.len(), 3);
    }

    #[test]
    fn a_log_has_an_end() {
        let recorder = recorder();
        (0..LINES_MAX + 2).for_each(|_| recorder.emit(Event::Stage(String::new())));
        let lines = recorder.lines();
        assert_eq!(lines.len(), LINES_MAX + 1);
        assert_eq!(lines[LINES_MAX].message, "2 more lines were not kept");
    }
}
