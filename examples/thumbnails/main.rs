//! Makes thumbnails of a folder of photographs in a pool of worker processes, and a contact sheet.
//!
//! ```text
//! cargo run --release --example thumbnails                  # the photographs in examples/photos
//! cargo run --release --example thumbnails -- --chaos       # while workers are killed at random
//! cargo run --release --example thumbnails -- --with-traps  # with a crash and an endless task
//! ```
#![deny(unsafe_code)]

mod chaos;
mod options;
mod photo;
mod report;
mod scratch;
mod sheet;
mod traps;

use std::ffi::OsString;
use std::iter::{repeat_n, zip};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use multiprocess as mp;

use options::Options;
use photo::{Job, Source, Thumb, thumbnail};
use report::{Done, Totals};
use scratch::Scratch;
use traps::Trap;

fn main() -> Result<ExitCode> {
    // Worker processes run this program too: for them, this line is where `main` ends.
    mp::init();

    let options = Options::parse();
    let scratch = Scratch::new(&options.input, &options.output)?;
    let jobs = jobs(&options, scratch.path())?;

    let started = Instant::now();
    let insights = options.timeline.is_some();
    let pool = mp::Pool::builder().workers(options.workers()).insights(insights);
    let pool = pool.restarts(options.restarts()).build()?;
    let (outcomes, kills) = if options.chaos {
        let (outcomes, kills) = chaos::around(&pool, || run(&pool, &jobs, &options));
        (outcomes?, Some(kills))
    } else {
        (run(&pool, &jobs, &options)?, None)
    };
    let pooled = started.elapsed();
    pool.close();
    pool.join()?;
    if let Some(path) = &options.timeline {
        pool.timeline().write_html(path)?;
    }

    // With kills or traps, a comparison of times would say nothing.
    let undisturbed = !options.chaos && !options.with_traps;
    let alone = undisturbed.then(|| run_alone(&jobs)).transpose()?;
    let done: Vec<Done> = zip(jobs, outcomes).map(|(job, outcome)| Done { job, outcome }).collect();

    report::print_table(&done);
    let workers = options.workers();
    let totals = Totals { workers, pooled, alone, kills };
    totals.print(&done);
    write_sheet(&done, &options)?;
    let all_right = done.iter().all(Done::is_right);
    Ok(ExitCode::from(u8::from(!all_right)))
}

/// The work: first the traps, if wanted, so that they go off while the others work; then each
/// photograph as often as asked for.
fn jobs(options: &Options, scratch: &Path) -> Result<Vec<Job>> {
    let photos = photo::find(&options.input)?;
    let job = |name: OsString, source| Job {
        source,
        size: options.size,
        output: options.output.join(name),
        scratch: scratch.into(),
    };
    let mut jobs = Vec::new();
    if options.with_traps {
        let traps = Trap::all(&photos[0], scratch)?;
        jobs.extend(traps.map(|trap| job(format!("{trap}.jpg").into(), Source::Trap(trap))));
    }
    for photo in photos {
        let name = photo.file_name().unwrap_or_default().to_owned();
        let job = job(name, Source::Photo(photo));
        jobs.extend(repeat_n(job, options.repeat as usize));
    }
    Ok(jobs)
}

/// Does the jobs in the pool. What fails is an error in its own place and harms no other.
fn run(
    pool: &mp::Pool,
    jobs: &[Job],
    options: &Options,
) -> Result<Vec<Result<Thumb, mp::TaskError>>> {
    let bar = progress("in the pool", jobs)?;
    let ticks = bar.clone();
    let outcomes = pool
        .task(thumbnail)
        .fallible()
        .chunk_size(1)
        .deadline(options.deadline())
        .retries(options.retries())
        .on_item(move |_, _| ticks.inc(1))
        .try_map(jobs.to_vec());
    bar.finish_and_clear();
    Ok(outcomes)
}

/// Does the same jobs here, one after the other, and measures how long that takes.
fn run_alone(jobs: &[Job]) -> Result<Duration> {
    let bar = progress("in one process, to compare", jobs)?;
    let started = Instant::now();
    for job in jobs {
        // What failed in the pool fails here too, and takes as long.
        let _ = thumbnail(job.clone());
        bar.inc(1);
    }
    let elapsed = started.elapsed();
    bar.finish_and_clear();
    Ok(elapsed)
}

/// Shows a progress bar; where standard error is no terminal, nothing.
fn progress(place: &'static str, jobs: &[Job]) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} {msg}")?;
    let bar = ProgressBar::new(jobs.len() as u64);
    Ok(bar.with_style(style).with_message(place))
}

/// Puts the thumbnails that came out on one sheet, each once.
fn write_sheet(done: &[Done], options: &Options) -> Result<()> {
    let out = done.iter().filter(|done| done.outcome.is_ok());
    let mut thumbs: Vec<PathBuf> = out.map(|done| done.job.output.clone()).collect();
    thumbs.dedup();
    let path = options.output.join("contact-sheet.jpg");
    sheet::write(&path, &thumbs, options.size)?;
    println!("sheet: {}", path.display());
    Ok(())
}
