//! Which types a server serves, asked anew each time.
//!
//! One pair of requests tells all of it where the server knows aggregated discovery (Kubernetes 1.27); what that
//! leaves open is asked for group version by group version. A group that does not answer is reported and costs nothing else.
//! Two more requests tell of what the documents leave out: registered APIs that do not answer, and types so new that
//! the documents do not have them yet.

mod ask;
mod crds;
mod documents;
mod services;

pub(crate) use ask::discover;
