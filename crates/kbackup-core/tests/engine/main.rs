//! The engines over the in-memory ports.

#![allow(clippy::type_complexity, reason = "rows of tables are tuples")]

mod backup;
mod catalog;
mod changes;
mod chosen;
mod classes;
mod copies;
mod crash;
mod existing;
mod format;
mod hooks;
mod life;
mod lock;
mod previews;
mod protected;
mod related;
mod requests;
mod restore;
mod restore_hooks;
mod resume;
mod schedule;
mod schemas;
mod spawned;
mod velero;
mod velero_export;
mod volumes;
mod whole;
mod world;
