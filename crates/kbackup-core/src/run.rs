//! What belongs to one run of an engine, and to no other: where its events go, its clock, its bounds, its end.

use std::sync::Arc;

use tokio::sync::watch;

use crate::clock::{Clock, SystemClock};
use crate::event::{Event, EventSink, Recorder, Silent};
use crate::issue::Issue;
use crate::limits::Limits;

/// The context of one run.
///
/// ```
/// use kbackup_core::limits::Limits;
/// use kbackup_core::run::{Cancel, Run};
///
/// let cancel = Cancel::default();
/// let run = Run::default().limits(Limits { lists_max: 2, ..Limits::default() }).cancel(cancel.clone());
/// cancel.cancel();
/// assert!(run.is_cancelled());
/// ```
#[derive(Debug, Clone)]
pub struct Run {
    events: Arc<dyn EventSink>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    cancel: Cancel,
}

impl Default for Run {
    /// Silent, on the clock of the machine, with the default limits, until its end.
    fn default() -> Self {
        Self {
            events: Arc::new(Silent),
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            cancel: Cancel::default(),
        }
    }
}

impl Run {
    /// Sends events to `sink`.
    #[must_use]
    pub fn events(self, sink: Arc<dyn EventSink>) -> Self {
        Self { events: sink, ..self }
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Keeps these bounds.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Ends when `cancel` says so, after cleaning up.
    #[must_use]
    pub fn cancel(self, cancel: Cancel) -> Self {
        Self { cancel, ..self }
    }

    /// Whether the run was asked to end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// The same run, and what keeps what it tells.
    pub(crate) fn recorded(&self) -> (Self, Arc<Recorder>) {
        let recorder = Arc::new(Recorder::new(Arc::clone(&self.events), Arc::clone(&self.clock)));
        (self.clone().events(Arc::<Recorder>::clone(&recorder)), recorder)
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    pub(crate) async fn sleep(&self, duration: std::time::Duration) {
        self.clock.sleep(duration).await;
    }

    pub(crate) fn bounds(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn emit(&self, event: Event) {
        self.events.emit(event);
    }

    pub(crate) fn stage(&self, what: impl Into<String>) {
        self.emit(Event::Stage(what.into()));
    }

    /// Tells of an issue and keeps it.
    pub(crate) fn report(&self, issues: &mut Vec<Issue>, issue: Issue) {
        self.emit(Event::Issue(issue.clone()));
        issues.push(issue);
    }

    pub(crate) async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }
}

/// Ends runs from outside: clones share one state. A cancelled run cleans up, then fails with `Cancelled`; dropping its
/// future instead is safe too, and leaves an unfinished folder that a later sweep removes.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Cancel {
    /// Asks every run that holds a clone to end.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was asked to.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    async fn cancelled(&self) {
        // The sender is held by self, so the wait can't end with an error before it ends with the value.
        _ = self.0.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}
