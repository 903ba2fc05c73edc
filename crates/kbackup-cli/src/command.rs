//! One file a command: words in, an engine call, its report out.

mod backup;
mod demo;
mod entry;
mod export;
mod failure;
mod keep;
mod keygen;
mod location;
mod restore;
mod run;
mod sandbox;
mod schedule;

use crate::args::{Args, BackupVerb, LocationVerb, Noun, RestoreVerb, ScheduleVerb};
use crate::error::{Code, Failure};
use crate::view;
pub(crate) use entry::Entry;

/// Runs the command that was asked for.
pub(crate) async fn run(args: &Args) -> Result<Code, Failure> {
    let global = &args.global;
    match &args.noun {
        Noun::Demo(demo) => demo::run(global, demo).await,
        Noun::Sandbox(sandbox) => sandbox::run(global, sandbox).await,
        Noun::Backup(backup) => match &backup.verb {
            BackupVerb::Create(create) => backup::create(global, create).await,
            BackupVerb::Get(get) => backup::get(global, get).await,
            BackupVerb::Describe(describe) => backup::describe(global, describe).await,
            BackupVerb::Logs(logs) => backup::logs(global, logs).await,
            BackupVerb::Contents(contents) => backup::contents(global, contents).await,
            BackupVerb::Verify(verify) => keep::verify(global, verify).await,
            BackupVerb::Copy(copy) => keep::copy(global, copy).await,
            BackupVerb::Export(export) => export::export(global, export).await,
            BackupVerb::Delete(delete) => backup::delete(global, delete).await,
            BackupVerb::Prune(prune) => keep::prune(global, prune).await,
            BackupVerb::Sweep(sweep) => keep::sweep(global, sweep).await,
        },
        Noun::Restore(restore) => match &restore.verb {
            RestoreVerb::Create(create) => restore::create(global, create).await,
            RestoreVerb::Plan(create) => restore::plan(global, create).await,
            RestoreVerb::Apply(apply) => restore::apply(global, apply).await,
        },
        Noun::Location(location) => match &location.verb {
            LocationVerb::Add(add) => location::add(global, add),
            LocationVerb::Get(get) => location::get(global, get),
            LocationVerb::Check(name) => location::check(global, name).await,
            LocationVerb::Set(set) => location::set(global, set),
            LocationVerb::Remove(name) => location::remove(global, name),
        },
        Noun::Schedule(schedule) => match &schedule.verb {
            ScheduleVerb::Create(create) => schedule::create(global, create).await,
            ScheduleVerb::Get(get) => schedule::get(global, get),
            ScheduleVerb::Describe(name) => schedule::describe(global, name),
            ScheduleVerb::Pause(name) => schedule::pause(global, name, true),
            ScheduleVerb::Unpause(name) => schedule::pause(global, name, false),
            ScheduleVerb::Run(run) => schedule::run(global, run).await,
            ScheduleVerb::Delete(name) => schedule::delete(global, name),
        },
        Noun::Keygen(keygen) => keygen::run(global, keygen),
        Noun::Version => view::version(global),
    }
}
