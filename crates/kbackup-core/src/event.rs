//! What a run tells while it runs.

mod log;

use std::fmt::Debug;

use crate::issue::Issue;
use crate::model::Gvr;
pub(crate) use log::Recorder;
pub use log::{Level, LogLine};

/// Something that just happened in a run. Events are for showing: all that matters is in the report too.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A stage began, in words for people ("listing 81 types at revision 4711").
    Stage(String),
    /// How much there is to do, as far as it is known: it may grow.
    Total {
        /// Objects.
        objects: u64,
    },
    /// Objects of one type were done.
    Progress {
        /// Their type.
        gvr: Gvr,
        /// How many more are done since the last event.
        objects: u64,
        /// How many bytes of JSON they are.
        bytes: u64,
    },
    /// One type, all of it, is done.
    TypeDone {
        /// The type.
        gvr: Gvr,
        /// How many objects it had.
        objects: u64,
    },
    /// Something went wrong with one object, and the run goes on.
    Issue(Issue),
}

/// Where a run sends its events. Called from within the engine: it must return at once and never block.
pub trait EventSink: Debug + Send + Sync {
    /// Takes one event.
    fn emit(&self, event: Event);
}

/// An [`EventSink`] that drops everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl EventSink for Silent {
    fn emit(&self, _: Event) {}
}
