//! Examples of kbackup as a library.
#![doc = include_str!("README.md")]
