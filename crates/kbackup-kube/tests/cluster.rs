//! The port against API servers.

mod real;
