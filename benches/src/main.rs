//! Every peer side by side, one command: `cargo run --release -p mp-bench`.
//!
//! A [`row`] is one question, put to several systems; `rows` has a file for each kind of question.
//! [`run`] asks the systems of a row in turn, and [`report`] prints what they did.

mod machine;
mod python;
mod report;
mod row;
mod rows;
mod run;

use anyhow::ensure;
use clap::Parser;

use crate::machine::Machine;
use crate::report::Report;
use crate::row::Scale;

/// Makes this program exit at once: the least that any start of a process can cost.
const EXIT: &str = "--exit-at-once";

/// Measures `multiprocess` and its peers side by side.
#[derive(Debug, Parser)]
struct Options {
    /// Measures only the rows whose names begin so; may be given several times
    #[arg(long, value_name = "ROW")]
    only: Vec<String>,
    /// Measures less of everything: to see that it works
    #[arg(long)]
    quick: bool,
    /// Sets how often each system of a row is measured [default: 9, or 3 if quick]
    #[arg(long)]
    runs: Option<usize>,
    /// Lists the rows and measures nothing
    #[arg(long)]
    list: bool,
    /// Prints Markdown
    #[arg(long)]
    markdown: bool,
    /// Prints JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    if std::env::args_os().nth(1).is_some_and(|first| first == EXIT) {
        return Ok(());
    }
    mp_process::init();
    procspawn::init();
    let options = Options::parse();
    let wanted = |name: &str| {
        options.only.is_empty() || options.only.iter().any(|only| name.starts_with(only))
    };
    let scale = Scale { quick: options.quick };
    let mut rows = rows::all(scale);
    rows.retain(|row| wanted(&row.name));
    ensure!(!rows.is_empty(), "no row has such a name; --list shows them");
    if options.list {
        rows.iter().for_each(|row| println!("{:24} {}", row.name, row.about));
        return Ok(());
    }
    let runs = options.runs.unwrap_or(if options.quick { 3 } else { 9 }).max(1);
    let mut report = Report { machine: Machine::look(), runs, rows: Vec::new() };
    for row in rows {
        eprintln!("measuring {}", row.name);
        report.rows.push(run::measure(row, runs));
    }
    match (options.json, options.markdown) {
        (true, _) => println!("{}", serde_json::to_string_pretty(&report)?),
        (_, true) => print!("{}", report.markdown()),
        _ => print!("{}", report.text()),
    }
    Ok(())
}
