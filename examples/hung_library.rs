//! A C library that hangs, behind a deadline.
//!
//! Some searches with references to their own groups take the C library more years than there are.
//! A thread that is in there cannot be stopped. A worker can: the kernel ends it at the deadline,
//! the search becomes an error, and all others have their results.

#[path = "parts/posix_regex.rs"]
mod posix_regex;

use std::time::Duration;

use multiprocess as mp;
use posix_regex::Regex;

fn search(pattern: String, text: String) -> Result<bool, String> {
    Ok(Regex::new(&pattern)?.is_match(&text))
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = "a".repeat(200);
    let patterns = ["^a+$", "b", r"(a*)*(a*)*\1\2b$", r"^(a+)\1$", "a{3,2}"];

    let pool = mp::Pool::builder().workers(2).deadline(Duration::from_secs(2)).build()?;
    let searches = patterns.map(|pattern| (pattern.to_owned(), text.clone()));
    let found = pool.task(search).fallible().try_starmap(searches);

    for (pattern, found) in patterns.iter().zip(found) {
        match found {
            Ok(true) => println!("{pattern} is in the text"),
            Ok(false) => println!("{pattern} is not"),
            Err(error) => println!("{pattern} has no answer: {}", error.kind),
        }
    }
    Ok(())
}
