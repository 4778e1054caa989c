//! How it goes with more workers, more tasks and more clients, and where the curve bends.
//!
//! - More workers share fixed work. Ideal is the rate of one worker, times the processors that
//!   there are for the workers; the curve bends where there is less than half of it.
//! - More tasks that do nothing go to the same workers. Ideal is the cheapest task of the curve; it
//!   bends where a task costs over 1.5 times as much.
//! - More clients ask the same server. Ideal is the best rate of the curve; it bends where there is
//!   less than half of it.

mod curve;
mod manager;
mod pool;

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

pub(crate) use self::curve::{Curve, Point};
use crate::host;
use crate::machine::Machine;
use crate::noise::{Drift, Meter};
use crate::options::Options;
use crate::pin::pin;

/// All curves.
#[derive(Serialize, Deserialize)]
pub(crate) struct Growth {
    #[serde(flatten)]
    machine: Machine,
    /// A processor list, or nothing if the system places everything.
    pinned: Option<String>,
    quick: bool,
    drift: Drift,
    pub(crate) curves: Vec<Curve>,
}

type Measure = fn(&str, &Options) -> Result<Curve>;

/// The curves, by name.
const CURVES: [(&str, Measure); 4] = [
    ("growth-workers", pool::workers),
    ("growth-tasks-default", |name, options| pool::tasks(name, None, options)),
    ("growth-tasks-chunk-1", |name, options| pool::tasks(name, Some(1), options)),
    ("growth-clients", manager::clients),
];

impl Growth {
    pub(crate) fn load(file: &Path) -> Result<Self> {
        let text = std::fs::read(file).with_context(|| file.display().to_string())?;
        serde_json::from_slice(&text).with_context(|| file.display().to_string())
    }

    pub(crate) fn measure(options: &Options) -> Result<Self> {
        let pinned = pin(&options.pin)?;
        host::adopt_orphans()?;
        let machine = Machine::look();
        let mut meter = Meter::new()?;
        let mut curves = Vec::new();
        for (name, measure) in CURVES.into_iter().filter(|(name, _)| options.wants(name)) {
            meter.begin()?;
            let mut curve = measure(name, options)?;
            host::sweep()?;
            curve.noise = meter.end()?;
            curves.push(curve);
        }
        ensure!(!curves.is_empty(), "no curve has such a name: {:?}", CURVES.map(|(name, _)| name));
        let (quick, drift) = (options.quick, meter.drift());
        Ok(Self { machine, pinned, quick, drift, curves })
    }

    /// The tables, for a terminal or for a page.
    pub(crate) fn text(&self, markdown: bool) -> String {
        let pinned = self.pinned.as_deref().unwrap_or("none");
        let mut out = format!("{}\n{}\npinned: {pinned}\n", self.machine, self.drift);
        for curve in &self.curves {
            let _ = writeln!(out, "\n{}: {} ({})\n", curve.name, curve.about, curve.unit);
            if markdown {
                let _ =
                    writeln!(out, "| {} | median [min .. max] | ideal |\n|---|---|---|", curve.of);
            }
            for [at, figures, ideal] in curve.points.iter().map(Point::cells) {
                let _ = match markdown {
                    true => writeln!(out, "| {at} | {figures} | {ideal} |"),
                    false => writeln!(out, "  {at:>9} {:8} {figures:36} ideal {ideal}", curve.of),
                };
            }
            let notes = curve.bends.iter().map(|bend| format!("it bends {bend}"));
            let notes = notes.chain(curve.noise.iter().map(|reason| format!("NOISY: {reason}")));
            let notes: String = notes.map(|note| format!("  {note}\n")).collect();
            if !notes.is_empty() {
                let _ = write!(out, "\n{notes}");
            }
        }
        out
    }
}
