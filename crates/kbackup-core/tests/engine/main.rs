//! The engines over the in-memory ports.

#![allow(clippy::type_complexity, reason = "rows of tables are tuples")]

mod backup;
mod catalog;
mod changes;
mod crash;
mod format;
mod hooks;
mod life;
mod lock;
mod protected;
mod related;
mod restore;
mod restore_hooks;
mod schedule;
mod schemas;
mod velero;
mod velero_export;
mod whole;
mod world;
