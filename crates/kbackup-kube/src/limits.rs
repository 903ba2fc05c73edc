//! The bounds of calls to an API server.

use std::time::Duration;

/// The bounds of a call to the API server. None is unlimited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLimits {
    /// How long opening a connection may take, TLS included.
    pub connect_max: Duration,
    /// How long the server may take until its answer begins. An API server gives up itself after 60 s.
    pub answer_max: Duration,
    /// How long an answer that has begun may pause. The whole of it may take as long as it needs: lists are large.
    pub stall_max: Duration,
    /// How often a call is tried where the server is not up to it or the connection breaks.
    pub tries_max: u32,
    /// How long a call may wait in all between its tries, and so how long a server that sends it away (429) is obeyed.
    pub retry_wait_max: Duration,
}

impl CallLimits {
    /// What [`CallLimits::default`] gives.
    pub const DEFAULT: Self = Self {
        connect_max: Duration::from_secs(15),
        answer_max: Duration::from_secs(75),
        stall_max: Duration::from_secs(60),
        tries_max: 5,
        retry_wait_max: Duration::from_secs(60),
    };
}

impl Default for CallLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
