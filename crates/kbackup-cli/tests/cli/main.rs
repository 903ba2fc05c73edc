//! The program itself: what it prints, where, and which code it ends with.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so")]

mod bad_input;
mod clouds;
mod demo;
mod full;
mod keys;
mod life;
mod output;
mod program;
mod road;
mod schemas;
mod signals;
mod trust;
mod velero;
mod volumes;
mod words;
