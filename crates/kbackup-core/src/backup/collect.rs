//! Reads every query at the backup's revision, several at once, and writes what is taken to the archive.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt;
use futures::future::try_join_all;

use super::BackupError;
use super::archive::{Archive, Lane};
use super::claim::Held;
use super::pace::Pace;
use super::related::Round;
use super::witness::Witness;
use crate::cluster::{At, ClusterError, ClusterErrorKind, ClusterReader, ListQuery, Page, PageSize};
use crate::event::Event;
use crate::filter::{Query, Rules, Verdict};
use crate::format::{Exception, PartRecord};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Gvr, Object, Revision};
use crate::run::Run;
use crate::spec::Consistency;

/// How often one list is begun anew before it is given up: each new revision is good for minutes.
const REREADS_MAX: usize = 3;

/// What the lanes work from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Collect<'a, 's> {
    pub(super) cluster: &'a dyn ClusterReader,
    pub(super) archive: &'a Archive<'s>,
    pub(super) held: &'a Held<'a>,
    pub(super) rules: &'a Rules,
    pub(super) mode: Consistency,
    pub(super) revision: Revision,
    /// Given after the first round: what the objects so far need. Then only that is taken.
    pub(super) round: Option<Round<'a>>,
    /// Whether the objects are kept, or only looked at: then metadata is enough of most.
    pub(super) kept: bool,
    /// How fast it may read.
    pub(super) pace: &'a Pace,
    /// Who is shown what is taken.
    pub(super) witnesses: &'a [&'a dyn Witness],
    pub(super) run: &'a Run,
}

/// What the lanes came to.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) parts: Vec<PartRecord>,
    /// By list: type, and namespace where it was of one.
    tallies: BTreeMap<Scope, Tally>,
    /// Lists of which everything that was written in earlier rounds is void.
    voided: BTreeSet<Scope>,
    pub(super) exceptions: Vec<Exception>,
    pub(super) issues: Vec<Issue>,
}

/// What one list is of: a type, in the whole cluster or in one namespace.
type Scope = (Gvr, Option<String>);

/// How much was taken of a type.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) objects: u64,
    pub(super) bytes: u64,
}

/// Work that the lanes take one query after the other from, and what they tell together.
struct Shared {
    queue: Mutex<VecDeque<Query>>,
    total: AtomicU64,
}

/// Why a list ended before its end.
enum Broken {
    Cluster(ClusterError),
    Run(BackupError),
}

/// What was read of one list.
#[derive(Default)]
struct Read {
    revision: Option<Revision>,
    taken: Tally,
    /// Whether what was written of the list before is void, since it was begun anew.
    voided: bool,
}

/// Reads all queries.
///
/// # Errors
/// Where the store fails, the credentials do, no list works at all, or a strict backup can't be strict.
pub(super) async fn collect(cx: &Collect<'_, '_>, queries: Vec<Query>) -> Result<Collected, BackupError> {
    let lanes = queries.len().min(cx.run.bounds().lists_max.max(1));
    let shared = Shared { queue: Mutex::new(queries.into()), total: AtomicU64::new(0) };
    let done = try_join_all((0..lanes).map(|_| lane(cx, &shared))).await?;
    Ok(done.into_iter().fold(Collected::default(), Collected::join))
}

async fn lane(cx: &Collect<'_, '_>, shared: &Shared) -> Result<Collected, BackupError> {
    let mut lane = cx.archive.lane();
    let mut own = Collected::default();
    while let Some(query) = shared.next() {
        let (read, error) = read_type(cx, shared, &query, &mut lane).await?;
        own.read(cx, &query, &read, error.as_ref());
    }
    own.parts = lane.finish().await.map_err(BackupError::store("ending a part of the archive"))?;
    Ok(own)
}

/// Reads one query, again at a newer revision where the backup's is gone. Gives what was read of it, with the error that
/// it broke off with, where it did not come to its end.
async fn read_type(
    cx: &Collect<'_, '_>,
    shared: &Shared,
    query: &Query,
    lane: &mut Lane<'_, '_>,
) -> Result<(Read, Option<ClusterError>), BackupError> {
    let mut at = if cx.mode == Consistency::Relaxed { At::Newest } else { At::Exact(cx.revision) };
    let (mut rereads, mut voided) = (0, false);
    loop {
        let mut read = Read { voided, ..Read::default() };
        let error = match read_once(cx, shared, query, at, lane, &mut read).await {
            Ok(()) => return Ok((read, None)),
            Err(Broken::Run(error)) => return Err(error),
            Err(Broken::Cluster(error)) => error,
        };
        // A list of one object that has given it is complete: read again, the object would be there twice.
        if query.name.is_some() && read.taken.objects > 0 {
            return Ok((read, None));
        }
        at = match decide(cx.mode, at, error.kind()) {
            Decision::Fail => return Err(fatal(cx, query, error)),
            Decision::Reread(next) if rereads < REREADS_MAX => next_at(cx, next).await?,
            Decision::Reread(_) | Decision::GiveUp => return Ok((read, Some(error))),
        };
        rereads += 1;
        if read.taken.objects > 0 {
            let noted = cx.archive.void(&query.ty.gvr, query.namespace.as_ref()).await;
            noted.map_err(BackupError::store("writing the index"))?;
            for witness in cx.witnesses {
                witness.forget(&query.ty.gvr, query.namespace.as_deref());
            }
            voided = true;
        }
    }
}

async fn read_once(
    cx: &Collect<'_, '_>,
    shared: &Shared,
    query: &Query,
    at: At,
    lane: &mut Lane<'_, '_>,
    read: &mut Read,
) -> Result<(), Broken> {
    let list = ListQuery {
        ty: query.ty.clone(),
        namespace: query.namespace.clone(),
        labels: query.labels.clone(),
        name: query.name.clone(),
        at,
        page: PageSize::of(cx.run.bounds()),
        metadata_only: cx.is_metadata_enough(&query.ty.gvr),
    };
    let mut pages = cx.cluster.list(&list);
    while let Some(page) = pages.next().await {
        let page = page.map_err(Broken::Cluster)?;
        shared.announce(cx, read, &page);
        write_page(cx, query, &page, lane, read).await.map_err(Broken::Run)?;
        let bytes = page.objects.iter().map(|object| object.raw().len() as u64).sum();
        let wait = cx.pace.after(bytes, cx.run.now());
        if !wait.is_zero() {
            cx.run.sleep(wait).await;
        }
    }
    Ok(())
}

async fn write_page(
    cx: &Collect<'_, '_>,
    query: &Query,
    page: &Page,
    lane: &mut Lane<'_, '_>,
    read: &mut Read,
) -> Result<(), BackupError> {
    let voided = read.voided;
    let taken: Vec<&Object> = page.objects.iter().filter(|object| cx.takes(query, object, voided)).collect();
    for witness in cx.witnesses.iter().filter(|witness| witness.wants(&query.ty.gvr)) {
        taken.iter().for_each(|object| witness.see(&query.ty.gvr, object));
    }
    let bytes: u64 = taken.iter().map(|object| object.raw().len() as u64).sum();
    lane.append(&query.ty.gvr, &taken).await.map_err(BackupError::store("writing the archive"))?;
    cx.held.beat(cx.run.now()).await.map_err(BackupError::store("renewing the claim"))?;
    let objects = taken.len() as u64;
    read.revision = Some(page.revision);
    read.taken.objects += objects;
    read.taken.bytes += bytes;
    cx.run.emit(Event::Progress { gvr: query.ty.gvr.clone(), objects, bytes });
    Ok(())
}

impl Collect<'_, '_> {
    fn is_metadata_enough(&self, ty: &Gvr) -> bool {
        let is_read = self.witnesses.iter().any(|witness| witness.wants(ty) && witness.reads(ty));
        !self.kept && !is_read && !self.round.is_some_and(|round| round.reads(ty))
    }

    /// Whether this round takes an object. A later one takes those of the earlier ones too, where these are void.
    fn takes(&self, query: &Query, object: &Object, voided: bool) -> bool {
        match (self.rules.verdict_of(&query.ty, object.meta()), self.round) {
            (Verdict::Take, round) => round.is_none() || voided,
            (Verdict::IfNeeded, Some(round)) => round.takes(&query.ty.gvr, object, voided),
            _ => false,
        }
    }
}

impl Shared {
    fn next(&self) -> Option<Query> {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front()
    }

    /// Tells how much there is to do, as the first page of a list says it.
    fn announce(&self, cx: &Collect<'_, '_>, read: &Read, page: &Page) {
        if read.revision.is_none() {
            let more = page.objects.len() as u64 + page.remaining.unwrap_or(0);
            let objects = self.total.fetch_add(more, Ordering::Relaxed) + more;
            cx.run.emit(Event::Total { objects });
        }
    }
}

/// What to do about a list that broke off.
enum Decision {
    /// Read it again, elsewhere in time.
    Reread(Elsewhere),
    /// Go on with what was read of it, and say so.
    GiveUp,
    /// End the run.
    Fail,
}

enum Elsewhere {
    /// At one revision again, the newest one.
    NewRevision,
    /// Without asking for a revision: the type has no history.
    NoRevision,
}

fn decide(mode: Consistency, at: At, error: ClusterErrorKind) -> Decision {
    use ClusterErrorKind::{Expired, Invalid, Unauthenticated, Unsupported};
    let exact = matches!(at, At::Exact(_));
    match (mode, error) {
        (_, Unauthenticated) | (Consistency::Strict, _) => Decision::Fail,
        (Consistency::Revision, Expired) => Decision::Reread(Elsewhere::NewRevision),
        (Consistency::Relaxed, Expired) => Decision::Reread(Elsewhere::NoRevision),
        // Aggregated APIs often know no revisions at all.
        (_, Invalid | Unsupported) if exact => Decision::Reread(Elsewhere::NoRevision),
        _ => Decision::GiveUp,
    }
}

async fn next_at(cx: &Collect<'_, '_>, next: Elsewhere) -> Result<At, BackupError> {
    Ok(match next {
        Elsewhere::NoRevision => At::Newest,
        Elsewhere::NewRevision => {
            At::Exact(cx.cluster.revision().await.map_err(BackupError::cluster("reading its newest revision"))?)
        }
    })
}

fn fatal(cx: &Collect<'_, '_>, query: &Query, source: ClusterError) -> BackupError {
    match source.kind() {
        ClusterErrorKind::Unauthenticated => BackupError::Cluster { during: "listing its objects", source },
        _ => BackupError::Inconsistent { gvr: query.ty.gvr.clone(), revision: cx.revision, source },
    }
}

impl Tally {
    fn add(&mut self, more: Self) {
        self.objects += more.objects;
        self.bytes += more.bytes;
    }
}

impl Collected {
    /// How much was taken of each type.
    pub(super) fn by_type(&self) -> BTreeMap<Gvr, Tally> {
        let mut by_type: BTreeMap<Gvr, Tally> = BTreeMap::new();
        for ((gvr, _), tally) in &self.tallies {
            by_type.entry(gvr.clone()).or_default().add(*tally);
        }
        by_type
    }

    /// What this and then that came to.
    pub(super) fn join(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        let whole = |(gvr, _): &Scope| (gvr.clone(), None);
        self.tallies.retain(|scope, _| !other.voided.contains(scope) && !other.voided.contains(&whole(scope)));
        for (scope, more) in other.tallies {
            self.tallies.entry(scope).or_default().add(more);
        }
        self.exceptions.extend(other.exceptions);
        self.issues.extend(other.issues);
        self
    }

    /// Counts what was read of a query, to its end or up to an error, and says what is not as asked.
    fn read(&mut self, cx: &Collect<'_, '_>, query: &Query, read: &Read, error: Option<&ClusterError>) {
        let gvr = &query.ty.gvr;
        let scope = (gvr.clone(), query.namespace.clone());
        if read.voided && cx.round.is_some() {
            self.voided.insert(scope.clone());
        }
        self.tallies.entry(scope).or_default().add(read.taken);
        cx.run.emit(Event::TypeDone { gvr: gvr.clone(), objects: read.taken.objects });
        let (revision, taken) = (read.revision.filter(|_| error.is_none()), read.taken.objects);
        if let Some(error) = error {
            cx.run.report(&mut self.issues, broken_off(query, taken, error));
            self.exceptions.push(Exception { gvr: gvr.clone(), revision, reason: error.to_string() });
        } else if let Some(other) = revision.filter(|other| *other != cx.revision && cx.mode != Consistency::Relaxed) {
            let reason = format!("it could not be read at revision {} and was read at {other}", cx.revision);
            cx.run.report(
                &mut self.issues,
                Issue::warning(Stage::List, Code::OtherRevision, format!("{}: {reason}", query.ty)),
            );
            self.exceptions.push(Exception { gvr: gvr.clone(), revision, reason });
        }
    }
}

fn broken_off(query: &Query, taken: u64, error: &ClusterError) -> Issue {
    let code = match error.kind() {
        ClusterErrorKind::Forbidden => Code::Forbidden,
        ClusterErrorKind::NotFound => Code::NotFound,
        _ => Code::ListFailed,
    };
    let place = query.namespace.as_ref().map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
    let extent = match taken {
        0 => "none of its objects are in the backup".to_owned(),
        some => format!("only {some} of its objects are in the backup"),
    };
    Issue::error(Stage::List, code, format!("{}{place} could not be listed ({error}): {extent}", query.ty))
}
