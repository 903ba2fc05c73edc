//! What each request does with the cluster.

mod answer;
mod call;
mod collection;
mod delete;
mod exec;
mod object;
mod options;
mod raw;
mod review;
mod scale;
mod view;
mod watch;

pub(crate) use answer::answer;
pub(crate) use call::Call;
