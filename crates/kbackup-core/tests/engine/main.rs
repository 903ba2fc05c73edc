//! The engines over the in-memory ports.

mod backup;
mod catalog;
mod crash;
mod format;
mod restore;
mod world;
