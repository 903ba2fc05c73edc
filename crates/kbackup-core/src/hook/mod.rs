//! Commands in containers around what a backup does to their volumes: what pods and users ask for, as a plan.
//!
//! All of it is pure. [`HookRules`] says for one pod which commands run, and what of its annotations can't be read;
//! [`HookPlan`] puts the pods of a backup into the order in which they run. [`RestoreHookRules`] says the same for pods that a
//! restore creates, and [`next_turn`] which command is next. The engines run them through [`PodExec`](crate::cluster::PodExec).
//!
//! ```
//! use kbackup_core::hook::HookRules;
//! use kbackup_core::model::{Gvr, Object};
//! use kbackup_core::spec::BackupHooks;
//!
//! let pod = Object::parse(br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"db-0","namespace":"shop","annotations":{
//!     "pre.hook.backup.kbackup.dev/command": "[\"fsfreeze\", \"--freeze\", \"/data\"]"}},
//!     "spec":{"containers":[{"name":"db"}]},"status":{"phase":"Running"}}"#.as_slice())?;
//! let found = HookRules::new(&BackupHooks::default()).of_pod(&Gvr::new("", "v1", "pods"), &pod);
//! let hooks = found.hooks.expect("it has a hook");
//! assert_eq!((hooks.pre[0].container.as_str(), hooks.pre[0].command[0].as_str()), ("db", "fsfreeze"));
//! # Ok::<(), kbackup_core::model::ObjectError>(())
//! ```

mod annotations;
mod command;
mod order;
mod plan;
mod pod;
mod restore;
mod rules;
mod turn;

pub use annotations::HookAnnotations;
pub use command::parse_command;
pub use order::Ordered;
pub use plan::{HookBlock, HookCounts, HookPlan};
pub use pod::PodFacts;
pub use restore::{RestoreCommand, RestoreFound, RestoreHookRules, RestoredPodHooks};
pub use rules::{Found, Hook, HookRules, Phase, PodHooks};
pub use turn::{Turn, next_turn};

#[cfg(test)]
mod tests;
