//! Measuring all the rows that are wanted, one after the other.

use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use crate::host;
use crate::machine::Machine;
use crate::noise::Meter;
use crate::options::Options;
use crate::pin::pin;
use crate::report::{Report, RowReport};
use crate::row::{Row, Scale};
use crate::rows;

/// Measures, and saves if that is wanted. Without rows if none has such a name.
pub(crate) fn measure(options: &Options) -> Result<Report> {
    let scale = Scale { quick: options.quick };
    let pinned = pin(&options.pin)?;
    host::adopt_orphans()?;
    let mut wanted = rows::all(scale);
    wanted.retain(|(_, row)| options.wants(&row.name));
    let machine = Machine::look();
    let mut meter = Meter::new()?;
    let bar = progress(wanted.len());
    let mut measured = Vec::new();
    for (group, row) in wanted {
        measured.push(measure_row(group, row, scale, options.runs(), &mut meter, &bar)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let report = Report {
        machine,
        pinned,
        quick: options.quick,
        runs: options.runs(),
        drift: meter.drift(),
        rows: measured,
    };
    if let Some(file) = &options.save {
        report.save(file)?;
    }
    Ok(report)
}

/// Measures a row once more, in the conditions of the report that it is part of.
pub(crate) fn measure_again(row: &RowReport, report: &Report) -> Result<RowReport> {
    let scale = Scale { quick: report.quick };
    let mut meter = Meter::new()?;
    let found = rows::all(scale).into_iter().find(|(_, found)| found.name == row.name);
    let (group, found) = found.expect("a row that was measured before");
    measure_row(group, found, scale, report.runs, &mut meter, &ProgressBar::hidden())
}

fn measure_row(
    group: &str,
    row: Row,
    scale: Scale,
    runs: usize,
    meter: &mut Meter,
    bar: &ProgressBar,
) -> Result<RowReport> {
    let mut report = RowReport::new(group, &row);
    let systems: Vec<String> = row.systems.iter().map(|system| system.name.clone()).collect();
    // What it holds, its process makes for itself.
    drop(row);
    bar.set_prefix(report.name.clone());
    meter.begin()?;
    let begin = Instant::now();
    let watch = |index: usize| bar.set_message(systems.get(index).cloned().unwrap_or_default());
    report.outcomes = host::measure(&report.name, scale, runs, watch)?;
    report.seconds = begin.elapsed().as_secs_f64();
    report.noise = meter.end()?;
    Ok(report)
}

/// On a terminal only.
fn progress(rows: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} {prefix}: {wide_msg}");
    let bar = ProgressBar::new(rows as u64);
    bar.set_style(style.expect("a template that is well formed"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
