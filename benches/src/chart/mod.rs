//! Pictures: bars for the rows, curves for growth, both as SVG.

mod bars;
mod curves;
mod svg;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::growth::Growth;
use crate::report::Report;

/// The rows of the picture for those who want one only.
const SUMMARY: [&str; 5] = ["start", "map-chunk-1", "apply", "kill-told", "kill-next"];

/// One file for each group of rows, and one with a few of them all.
pub(crate) fn draw_rows(report: &Report, folder: &Path) -> Result<()> {
    let named = |name: &&str| report.rows.iter().find(|row| row.name == **name);
    let summary: Vec<_> = SUMMARY.iter().filter_map(named).collect();
    if let Some(picture) = bars::draw(&summary) {
        write(folder, "summary", &picture)?;
    }
    for group in report.groups() {
        let rows: Vec<_> = report.rows.iter().filter(|row| row.group == group).collect();
        // Words cannot be drawn.
        if let Some(picture) = bars::draw(&rows) {
            write(folder, group, &picture)?;
        }
    }
    Ok(())
}

/// One file for each curve.
pub(crate) fn draw_growth(growth: &Growth, folder: &Path) -> Result<()> {
    growth.curves.iter().try_for_each(|curve| write(folder, &curve.name, &curves::draw(curve)))
}

fn write(folder: &Path, name: &str, picture: &str) -> Result<()> {
    let file = folder.join(name).with_extension("svg");
    let write = || {
        fs::create_dir_all(folder)?;
        fs::write(&file, picture)
    };
    write().with_context(|| file.display().to_string())
}
