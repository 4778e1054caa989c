//! What the pages of this repository link to is there: files, headings, and the tests that a table
//! names.

use std::fs;
use std::path::{Path, PathBuf};

/// The pages, found in the folders that have any.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let hidden = |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with('.');
    let folders =
        entries.filter(|path| path.is_dir() && !hidden(path) && !path.ends_with("target"));
    let folders = folders.chain([root.to_owned(), root.join("tests/killed")]);
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The texts and the targets of all links of a page, those in its code excepted.
fn links(text: &str) -> Vec<(&str, &str)> {
    let prose = text.split("```").step_by(2);
    let ends = prose.flat_map(|part| part.match_indices("](").map(move |(end, _)| (part, end)));
    let links = ends.filter_map(|(part, end)| {
        let target = part[end + 2..].split(')').next()?;
        Some((part[..end].rsplit('[').next()?, target))
    });
    links.collect()
}

/// How GitHub writes a heading as the target of a link.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// What is wrong with a link, if anything is.
fn fault(page: &Path, text: &str, target: &str) -> Option<String> {
    // rustdoc checks the paths of items; other hosts are not asked.
    if target.contains("::") || target.contains(':') || target.contains('@') {
        return None;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() { page.to_owned() } else { page.parent()?.join(file) };
    if !file.exists() {
        return Some("leads nowhere".into());
    }
    let content = fs::read_to_string(&file).unwrap_or_default();
    if !heading.is_empty() && !content.lines().any(|line| anchor(line) == heading) {
        return Some(format!("there is no heading {heading}"));
    }
    // `[`name`](…/tests/file.rs)` names a test.
    let is_test = file.components().any(|part| part.as_os_str() == "tests");
    let name = text.trim_matches('`');
    let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let is_code = file.extension().is_some_and(|extension| extension == "rs");
    if is_test && is_name && is_code && !content.contains(&format!("fn {name}(")) {
        return Some(format!("there is no test {name}"));
    }
    None
}

#[test]
fn links_between_pages_lead_somewhere() {
    let pages = pages();
    assert!(pages.len() > 15, "{pages:?}");
    let mut faults = Vec::new();
    for page in pages {
        let content = fs::read_to_string(&page).unwrap();
        for (text, target) in links(&content) {
            let fault = fault(&page, text, target);
            faults.extend(fault.map(|fault| format!("{}: {target}: {fault}", page.display())));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The programs in a folder of examples.
fn programs(folder: &Path) -> Vec<String> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_code = |path: &Path| path.extension().is_some_and(|extension| extension == "rs");
    let programs = paths.filter(|path| is_code(path) || path.join("main.rs").exists());
    programs.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// All that the tests of a package say, and the script that has a server for the examples which need
/// one.
fn tests_of(package: &Path) -> String {
    let paths = fs::read_dir(package.join("tests")).unwrap().map(|entry| entry.unwrap().path());
    let tests = paths.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
    let script = fs::read_to_string(package.join("examples/cluster/run.sh"));
    tests.chain(script).collect()
}

#[test]
fn every_example_is_in_the_index_and_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let index = fs::read_to_string(root.join("examples/README.md")).unwrap();
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let packages = entries.chain([root.to_owned()]).filter(|path| path.join("examples").is_dir());
    for package in packages {
        let tests = tests_of(&package);
        for name in programs(&package.join("examples")) {
            assert!(index.contains(&format!("[`{name}`]")), "{name} is not in the index");
            let is_run = |before: char| tests.contains(&format!("{before}{name}\""));
            assert!(is_run('"') || is_run('/'), "{name} has no test");
        }
    }
}
