//! `kbackup`: back up, restore and migrate Kubernetes clusters from a terminal. Words come in, an engine runs, its report
//! goes out: nothing else happens here.

mod args;
mod command;
mod config;
mod connect;
mod document;
mod error;
mod keys;
mod signal;
mod view;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match args::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(parsed) => return view::usage(&parsed),
    };
    view::log(&args.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return view::failure(&error::Failure::failed("the program could not start").why(error)),
    };
    match runtime.block_on(command::run(&args)) {
        Ok(code) => code.into(),
        Err(failure) => view::failure(&failure),
    }
}
