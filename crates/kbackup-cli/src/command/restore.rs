//! `kbackup restore create`.

use super::failure::of_restore;
use super::run::{code, run, stamped};
use crate::args::{Global, RestoreCreate};
use crate::connect;
use crate::error::{Code, Failure};
use crate::view;

pub(super) async fn create(global: &Global, create: &RestoreCreate) -> Result<Code, Failure> {
    let name = match &create.name {
        Some(name) => name.clone(),
        None => stamped(create.from_backup.as_str())?,
    };
    let spec = create.spec().map_err(|why| Failure::usage("the request is not valid").why(why))?;
    let (engine, store) = connect::engine(global).await?;
    let (run, _signal) = run(global);
    let planned = engine.plan_restore(&name, &spec, &run).await;
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) => return Err(of_restore(&error, &*store).await),
    };
    if create.dry_run.is_some() {
        drop(run);
        view::plan(global, &plan)?;
        return Ok(if plan.counts().failed == 0 { Code::Completed } else { Code::PartiallyFailed });
    }
    let report = match engine.apply(&plan, &run).await {
        Ok(report) => report,
        Err(error) => return Err(of_restore(&error, &*store).await),
    };
    drop(run);
    view::restore_report(global, &report)?;
    Ok(code(report.outcome))
}
