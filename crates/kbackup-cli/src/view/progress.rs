//! Progress on standard error: a bar on a terminal, plain lines otherwise.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use kbackup_core::event::{Event, EventSink};

use super::note;
use crate::args::Global;

/// How often a plain line tells how far a run is.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows the events of a run. Dropping it removes the bar.
#[derive(Debug)]
pub(crate) struct Progress {
    look: Look,
    so_far: Mutex<SoFar>,
}

#[derive(Debug)]
enum Look {
    Nothing,
    Lines,
    Bar(ProgressBar),
}

#[derive(Debug)]
struct SoFar {
    objects: u64,
    bytes: u64,
    total: u64,
    last_line: Instant,
}

impl Progress {
    pub(crate) fn new(global: &Global) -> Self {
        let look = if global.quiet {
            Look::Nothing
        } else if std::io::stderr().is_terminal() {
            Look::Bar(bar())
        } else {
            Look::Lines
        };
        let so_far = SoFar { objects: 0, bytes: 0, total: 0, last_line: Instant::now() };
        Self { look, so_far: Mutex::new(so_far) }
    }

    fn say(&self, text: &str) {
        match &self.look {
            Look::Nothing => {}
            Look::Lines => note(text),
            Look::Bar(bar) => bar.suspend(|| note(text)),
        }
    }

    fn count(&self, event: &Event) {
        let mut so_far = self.so_far.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match event {
            Event::Total { objects } => so_far.total = *objects,
            Event::Progress { objects, bytes, .. } => {
                so_far.objects += objects;
                so_far.bytes += bytes;
            }
            _ => return,
        }
        match &self.look {
            Look::Bar(bar) => {
                bar.set_length(so_far.total.max(so_far.objects));
                bar.set_position(so_far.objects);
            }
            Look::Lines if so_far.last_line.elapsed() >= LINE_EVERY => {
                so_far.last_line = Instant::now();
                let SoFar { objects, bytes, total, .. } = *so_far;
                note(format!("{objects} of {} objects, {}", total.max(objects), HumanBytes(bytes)));
            }
            Look::Lines | Look::Nothing => {}
        }
    }
}

impl EventSink for Progress {
    fn emit(&self, event: Event) {
        match &event {
            Event::Stage(stage) => match &self.look {
                Look::Bar(bar) => bar.set_message(stage.clone()),
                Look::Lines => note(stage),
                Look::Nothing => {}
            },
            Event::Issue(issue) => self.say(&issue.to_string()),
            event => self.count(event),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Look::Bar(bar) = &self.look {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    // The template is fixed, and known to be one.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {human_pos}/{human_len} [{bar:24}] {elapsed}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
