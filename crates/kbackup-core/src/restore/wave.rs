//! The writes of one wave: many at once, as many as the server bears.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, StreamExt, stream};

use super::RestoreError;
use super::done::Done;
use super::fetch::{Lost, fetch};
use super::plan::{PlannedWave, Step};
use super::record::{Line, Record};
use super::targets::namespaces;
use super::write::{Write, Written, creates};
use crate::action::Wave;
use crate::event::Event;
use crate::format::{Access, FormatError, Manifest};
use crate::issue::{Code, Issue, Stage};
use crate::report::{Applied, ObjectResult};

/// How often what failed for a reason that may pass is tried, with the pauses between.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];
/// How often a server that is gone is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A wave on its way.
pub(super) struct Writing<'a> {
    pub(super) access: Access<'a>,
    pub(super) manifest: &'a Manifest,
    pub(super) write: Write<'a>,
    pub(super) wave: &'a PlannedWave,
    /// The number of its first step in the plan.
    pub(super) first: usize,
}

/// A step and what was fetched for it.
type Fetched = Result<(usize, Option<Bytes>), Lost>;

/// A write on its way: its step, what became of it, and how long that took.
type Flight<'a> = BoxFuture<'a, (usize, Written, Duration)>;

impl Writing<'_> {
    /// Writes the steps that are left. What fails for a reason that may pass is tried again at the end of the wave.
    ///
    /// # Errors
    /// Where the backup or the record fails; where the server is gone and does not come back.
    pub(super) async fn run(&self, done: &mut Done, record: &mut Record<'_>) -> Result<(), RestoreError> {
        for (attempt, pause) in PAUSES.iter().map(Some).chain([None]).enumerate() {
            let todo = self.left(done);
            if todo.is_empty() {
                break;
            }
            self.pass(&todo, (attempt, pause.is_none()), done, record).await?;
            if let Some(pause) = pause.filter(|_| !self.left(done).is_empty()) {
                record.flush().await?;
                self.write.run.sleep(*pause).await;
                self.await_server().await?;
            }
        }
        record.flush().await
    }

    fn left(&self, done: &Done) -> Vec<usize> {
        (0..self.wave.steps.len()).filter(|number| !done.is_settled(self.first + number)).collect()
    }

    async fn pass(
        &self,
        todo: &[usize],
        (attempt, is_last): (usize, bool),
        done: &mut Done,
        record: &mut Record<'_>,
    ) -> Result<(), RestoreError> {
        let mut fetched = self.fetched(todo);
        let (mut flying, mut ended, mut failures) = (FuturesUnordered::<Flight<'_>>::new(), false, 0);
        let mut throttled = self.write.cluster.throttled();
        loop {
            if self.write.run.is_cancelled() {
                return Err(RestoreError::Cancelled);
            }
            tokio::select! {
                biased;
                Some((number, written, took)) = flying.next(), if !flying.is_empty() => {
                    self.pace(&mut throttled, took, done);
                    failures = if written.may_pass { failures + 1 } else { 0 };
                    self.land(number, written, is_last, done, record);
                }
                saved = record.saved(), if record.is_saving() => saved?,
                next = fetched.next(), if !ended && flying.len() < done.pace.limit() => match next {
                    None => ended = true,
                    Some(Err(lost)) => self.lose(lost, done, record)?,
                    Some(Ok((number, _))) if done.is_lost(&self.wave.steps[number].object) => {
                        self.land(number, homeless(&self.wave.steps[number]), true, done, record);
                    }
                    Some(Ok((number, bytes))) => flying.push(self.timed(number, bytes, attempt).boxed()),
                },
                else => return Ok(()),
            }
            // The server is gone: there is no point in failing with every single object.
            if !is_last && failures > 2 * done.pace.limit() {
                return Ok(());
            }
        }
    }

    fn fetched<'a>(&'a self, todo: &'a [usize]) -> BoxStream<'a, Fetched> {
        let steps = &self.wave.steps;
        let sources = todo.iter().filter_map(|number| steps[*number].source.as_ref().map(|source| (*number, source)));
        let fetched = fetch(self.access, self.manifest, sources, self.write.run.bounds());
        let made = todo.iter().filter(|number| steps[**number].source.is_none()).map(|number| Ok((*number, None)));
        let made: Vec<Fetched> = made.collect();
        fetched.map(|fetched| fetched.map(|(number, bytes)| (number, Some(bytes)))).chain(stream::iter(made)).boxed()
    }

    async fn timed(&self, number: usize, bytes: Option<Bytes>, attempt: usize) -> (usize, Written, Duration) {
        let run = self.write.run;
        let begun = run.now();
        let write = Write { again: self.write.again || attempt > 0, ..self.write };
        let written = write.step(&self.wave.steps[number], bytes).await;
        (number, written, run.now().duration_since(begun).unsigned_abs())
    }

    fn pace(&self, throttled: &mut u64, took: Duration, done: &mut Done) {
        let now = self.write.cluster.throttled();
        match now > *throttled {
            true => done.pace.throttled(),
            false => done.pace.answered(took),
        }
        *throttled = now;
    }

    /// Takes what became of a step; nothing where it is tried again.
    fn land(&self, number: usize, mut written: Written, is_last: bool, done: &mut Done, record: &mut Record<'_>) {
        if written.may_pass && !is_last {
            return;
        }
        let step = &self.wave.steps[number];
        let run = self.write.run;
        run.emit(Event::Progress { gvr: step.object.gvr.clone(), objects: 1, bytes: 0 });
        self.follow(step, &mut written, done);
        let issues = written.issues;
        issues.iter().for_each(|issue| run.report(&mut done.issues, issue.clone()));
        done.settle(self.first + number, written.result);
        let result = ObjectResult { object: step.object.clone(), result: written.result };
        let uid = step.source.as_ref().and_then(|source| self.write.owners.uid(&source.uid));
        record.add(Line { step: self.first + number, result, uid, owners: written.owners, issues }, run.now());
    }

    /// What the rest of the restore has to know of a step.
    fn follow(&self, step: &Step, written: &mut Written, done: &mut Done) {
        let is_there = matches!(written.result, Applied::Created | Applied::Updated);
        written.owners = written.owners.take().filter(|_| is_there);
        if let Some(patch) = &written.owners {
            self.write.owners.wait(&step.object, patch.clone());
        }
        if is_there && self.wave.wave == Wave::Definitions {
            done.definitions.push(step.object.clone());
        }
        if creates(step) && written.result == Applied::Failed && step.object.gvr == namespaces() {
            done.lose(&step.object.name);
        }
    }

    /// What can't be read any more has failed, where that is asked for; otherwise the restore ends.
    fn lose(&self, lost: Lost, done: &mut Done, record: &mut Record<'_>) -> Result<(), RestoreError> {
        let Lost { numbers, error } = lost;
        let FormatError::Damaged { what, .. } = &error else { return Err(error.into()) };
        if !self.write.asked.spec.skip_damaged {
            return Err(error.into());
        }
        for number in numbers {
            let object = self.wave.steps[number].object.clone();
            let issue =
                Issue::error(Stage::Fetch, Code::Damaged, format!("the backup is damaged: {what}")).about(object);
            self.land(number, Written::failed(issue), true, done, record);
        }
        Ok(())
    }

    /// Waits for a server that is gone. One that is there and fails is there.
    async fn await_server(&self) -> Result<(), RestoreError> {
        let (run, mut waited) = (self.write.run, Duration::ZERO);
        loop {
            match self.write.cluster.revision().await {
                Err(error) if error.is_retryable() && waited < run.bounds().wait_max => {}
                Err(error) if error.is_retryable() => {
                    return Err(RestoreError::Cluster { during: "restoring objects", source: error });
                }
                _ => return Ok(()),
            }
            run.sleep(LOOK_EVERY).await;
            waited += LOOK_EVERY;
        }
    }
}

fn homeless(step: &Step) -> Written {
    let message = "its namespace could not be made";
    Written::failed(Issue::error(Stage::Apply, Code::NotFound, message).about(step.object.clone()))
}
