//! `join` waits until the process has ended: all that it has done is done.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::id;

use multiprocess as mp;

/// Writes the lines one by one: whoever looks too early sees fewer.
fn write_lines(path: PathBuf, lines: u32) -> Result<(), String> {
    let write = || {
        let mut file = File::create(path)?;
        (1..=lines).try_for_each(|line| writeln!(file, "line {line}"))
    };
    write().map_err(|error: std::io::Error| error.to_string())
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = env::temp_dir().join(format!("join-waits-{}.txt", id()));
    let process = mp::spawn(write_lines, (path.clone(), 10_000))?;
    process.join()??;
    let text = fs::read_to_string(&path)?;
    fs::remove_file(path)?;
    println!("lines after join: {}", text.lines().count());
    Ok(())
}
