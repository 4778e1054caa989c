//! Every peer side by side, one command: `cargo run --release -p mp-bench`.
//!
//! A [`row`] is one question, put to several systems; `rows` has a file for each kind of question.
//! [`run`] asks the systems of a row in turn, in a process that [`host`] watches, while [`noise`]
//! watches the machine. What they did is a [`report`], which is printed ([`print`](mod@print)),
//! drawn ([`chart`]) or compared with what is expected ([`check`]).
//!
//! Two more kinds of measurement stand beside the rows: [`instructions`] counts, and [`growth`].

mod chart;
mod check;
mod duo;
mod growth;
mod host;
mod instructions;
mod machine;
mod noise;
mod options;
mod pin;
mod print;
mod python;
mod report;
mod row;
mod rows;
mod run;
mod stats;
mod table;

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::check::Verdict;
use crate::growth::Growth;
use crate::options::Options;
use crate::report::Report;
use crate::row::Scale;

/// Makes this program exit at once: the least that any start of a process can cost.
const EXIT: &str = "--exit-at-once";

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args();
    match arguments.nth(1).as_deref() {
        Some(EXIT) => return Ok(ExitCode::SUCCESS),
        Some(instructions::REPEAT) => return instructions::repeat(arguments),
        _ => {}
    }
    #[cfg(feature = "cluster")]
    mp_cluster::init();
    #[cfg(not(feature = "cluster"))]
    mp_process::init();
    procspawn::init();
    let options = Options::parse();
    if options.list {
        list(&options);
    } else if options.growth {
        grow(&options)?;
    } else if options.instructions && options.check.is_none() {
        print!("{}", instructions::text(&instructions::count()?));
    } else if options.check.is_some() {
        return Ok(compare(&options)?.exit_code());
    } else {
        show(&options)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list(options: &Options) {
    for (group, row) in rows::all(Scale { quick: options.quick }) {
        if options.wants(&row.name) {
            println!("{group:10} {:24} {}", row.name, row.about);
        }
    }
}

/// Prints the rows, and draws them.
fn show(options: &Options) -> Result<()> {
    let report = measured(options)?;
    print_report(&report, options)?;
    match &options.charts {
        Some(folder) => chart::draw_rows(&report, folder),
        None => Ok(()),
    }
}

/// Measures the rows, or takes what was saved.
fn measured(options: &Options) -> Result<Report> {
    let report = match &options.from {
        Some(file) => {
            let mut report = Report::load(file)?;
            report.rows.retain(|row| options.wants(&row.name));
            report
        }
        None => table::measure(options)?,
    };
    ensure!(!report.rows.is_empty(), "no row has such a name; --list shows them");
    Ok(report)
}

fn print_report(report: &Report, options: &Options) -> Result<()> {
    match (options.json, options.markdown) {
        (true, _) => println!("{}", serde_json::to_string_pretty(report)?),
        (_, true) => print!("{}", report.markdown()),
        _ => print!("{}", report.text()),
    }
    Ok(())
}

/// Measures what is stored in the file of expectations, and judges it, or stores it.
fn compare(options: &Options) -> Result<Verdict> {
    let counts = if instructions::can_count() { instructions::count()? } else { Vec::new() };
    if counts.is_empty() {
        eprintln!("instructions are not counted: valgrind is missing");
    }
    if options.instructions {
        return check::instructions_only(&counts, options);
    }
    let report = measured(options)?;
    print_report(&report, options)?;
    check::all(report, &counts, options)
}

fn grow(options: &Options) -> Result<()> {
    let growth = match &options.from {
        Some(file) => Growth::load(file)?,
        None => Growth::measure(options)?,
    };
    if let Some(file) = &options.save {
        report::save(file, &growth)?;
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&growth)?);
    } else {
        print!("{}", growth.text(options.markdown));
    }
    match &options.charts {
        Some(folder) => chart::draw_growth(&growth, folder),
        None => Ok(()),
    }
}
