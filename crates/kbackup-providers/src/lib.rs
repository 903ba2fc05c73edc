//! Object stores of kbackup, and the [registry] that opens one from a URL.
//!
//! | feature | brings | URL |
//! |---|---|---|
//! | `fs` (default) | a folder: a local disk, a mounted volume, a network share | `file:///srv/backups` |
//! | always | memory, for tests and demos | `memory://name` |

#[cfg(feature = "fs")]
pub mod fs;
pub mod location;
pub mod registry;
