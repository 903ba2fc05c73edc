//! Which objects of the backup are restored: those that are chosen, and what they need of the cluster.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;

use super::fetch::fetch;
use super::plan::Source;
use super::targets::source;
use crate::action::{BackupActions, ask};
use crate::filter::{Needs, RestoreSelection, Verdict};
use crate::format::{Access, IndexLine, Manifest};
use crate::issue::Issue;
use crate::model::{Gvr, Object};
use crate::run::Run;

/// What a choice is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice<'a> {
    pub(super) access: Access<'a>,
    pub(super) manifest: &'a Manifest,
    pub(super) actions: &'a BackupActions,
    pub(super) selection: &'a RestoreSelection,
    pub(super) run: &'a Run,
}

/// The lines of the index, and what is known of them so far.
struct Lines {
    index: Vec<IndexLine>,
    verdicts: Vec<Verdict>,
    taken: Vec<bool>,
    /// The types of which objects come only with those that need them.
    open: BTreeSet<String>,
    needs: Needs,
    /// What objects mention that may be needed for it, by their number.
    mentions: BTreeMap<usize, BTreeSet<String>>,
    issues: Vec<Issue>,
}

impl Choice<'_> {
    /// The lines of what is restored, and what could not be told. Objects are read only where they may need others that
    /// are not chosen themselves: a restore of all reads none.
    pub(super) async fn choose(self, index: Vec<IndexLine>) -> (Vec<IndexLine>, Vec<Issue>) {
        let mut lines = Lines::new(self.selection, index);
        let mut new = lines.numbers(|lines, number| lines.verdicts[number] == Verdict::Take);
        while !new.is_empty() {
            lines.take(&new);
            new.retain(|number| lines.may_need(self.actions, &lines.index[*number].gvr));
            self.read(&mut lines, new, |lines, number, object| lines.relate(self.actions, number, object)).await;
            let unread = lines.numbers(Lines::is_mention_wanted);
            self.read(&mut lines, unread, |lines, number, object| lines.mention(self.actions, number, object)).await;
            new = lines.numbers(Lines::is_needed);
        }
        let Lines { index, taken, issues, .. } = lines;
        let chosen = index.into_iter().zip(taken).filter(|(_, taken)| *taken);
        // Nobody asks for labels any more, and they are most of what a line weighs.
        (chosen.map(|(line, _)| IndexLine { labels: BTreeMap::new(), ..line }).collect(), issues)
    }

    /// Reads these lines. What is damaged is told of when all that is restored is read.
    async fn read(self, lines: &mut Lines, numbers: Vec<usize>, take: impl Fn(&mut Lines, usize, &Object) + Send) {
        let sources: Vec<(usize, Source)> =
            numbers.into_iter().map(|number| (number, source(lines.index[number].clone()))).collect();
        let wanted = sources.iter().map(|(number, source)| (*number, source));
        let mut fetched = fetch(self.access, self.manifest, wanted, self.run.bounds());
        while let Some(fetched) = fetched.next().await {
            if let Ok((number, bytes)) = fetched
                && let Ok(object) = Object::parse(bytes)
            {
                take(lines, number, &object);
            }
        }
    }
}

impl Lines {
    fn new(selection: &RestoreSelection, index: Vec<IndexLine>) -> Self {
        let verdict =
            |line: &IndexLine| selection.rules.verdict(&line.gvr, line.ns.as_deref(), &line.name, &line.labels);
        let verdicts: Vec<Verdict> = index.iter().map(verdict).collect();
        let open = index.iter().zip(&verdicts).filter(|(_, verdict)| **verdict == Verdict::IfNeeded);
        let open = open.map(|(line, _)| line.gvr.group_resource()).collect();
        let (taken, needs, mentions) = (vec![false; index.len()], Needs::default(), BTreeMap::new());
        Self { index, verdicts, taken, open, needs, mentions, issues: Vec::new() }
    }

    fn numbers(&self, holds: impl Fn(&Self, usize) -> bool) -> Vec<usize> {
        (0..self.index.len()).filter(|number| !self.taken[*number] && holds(self, *number)).collect()
    }

    fn take(&mut self, numbers: &[usize]) {
        for number in numbers {
            self.taken[*number] = true;
            let line = &self.index[*number];
            self.needs.add(&line.gvr, line.ns.as_deref());
        }
    }

    /// Whether objects of a type may need something that is not chosen itself.
    fn may_need(&self, actions: &BackupActions, ty: &Gvr) -> bool {
        actions.naming(ty, &self.open).next().is_some()
    }

    fn relate(&mut self, actions: &BackupActions, number: usize, object: &Object) {
        let (at, value) = (self.index[number].object(), object.to_value());
        for action in actions.about(&at.gvr) {
            let (related, untold) = ask(action, &at, &value);
            self.issues.extend(untold);
            self.needs.require_all(&related);
        }
    }

    /// Whether what an object mentions can decide, and is not known yet.
    fn is_mention_wanted(&self, number: usize) -> bool {
        self.verdicts[number] == Verdict::IfNeeded
            && self.needs.mentions(&self.index[number].gvr.group_resource()).is_some()
            && !self.mentions.contains_key(&number)
    }

    fn mention(&mut self, actions: &BackupActions, number: usize, object: &Object) {
        self.mentions.insert(number, actions.mentions(&self.index[number].object(), &object.to_value()));
    }

    fn is_needed(&self, number: usize) -> bool {
        let line = &self.index[number];
        let is_mentioned = || {
            let wanted = self.needs.mentions(&line.gvr.group_resource())?;
            Some(!wanted.is_disjoint(self.mentions.get(&number)?))
        };
        self.verdicts[number] == Verdict::IfNeeded
            && (self.needs.contains(&line.gvr, line.ns.as_deref(), &line.name) || is_mentioned().unwrap_or(false))
    }
}
