//! Which types a server serves, asked anew each time.
//!
//! One pair of requests tells all of it where the server knows aggregated discovery (Kubernetes 1.27); what that
//! leaves open is asked for group version by group version. A group that does not answer is reported and costs nothing else.

mod ask;
mod documents;

pub(crate) use ask::discover;
