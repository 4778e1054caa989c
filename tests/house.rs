//! ARCHITECTURE.md is true: which crate uses which, which has no unsafe code, and where files are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The lower floors, each with those of ours that it uses. Those above may use all of them.
const HOUSE: [(&str, &[&str]); 6] = [
    ("mp-handle", &[]),
    ("mp-macros", &[]),
    ("mp-sync", &["mp-handle"]),
    ("mp-shm", &["mp-handle", "mp-macros", "mp-sync"]),
    ("mp-queue", &["mp-handle", "mp-sync"]),
    ("mp-process", &["mp-handle", "mp-macros"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What of ours stands below `[dependencies]`.
fn uses(package: &str) -> BTreeSet<String> {
    let manifest = read(&format!("{package}/Cargo.toml"));
    let section = manifest.split("\n[").find_map(|part| part.strip_prefix("dependencies]"));
    let lines = section.unwrap_or_default().lines();
    let names = lines.filter_map(|line| line.split(['.', ' ']).next());
    names.filter(|name| name.starts_with("mp-")).map(str::to_owned).collect()
}

#[test]
fn arrows_point_down_only() {
    let actual: BTreeMap<_, _> = HOUSE.iter().map(|(name, _)| (*name, uses(name))).collect();
    let drawn =
        HOUSE.map(|(name, uses)| (name, uses.iter().map(|name| name.to_string()).collect()));
    assert_eq!(actual, BTreeMap::from(drawn));
}

#[test]
fn the_upper_floors_have_no_unsafe_code() {
    for lib in ["src/lib.rs", "mp-pool/src/lib.rs", "mp-manager/src/lib.rs"] {
        assert!(read(lib).contains("#![forbid(unsafe_code)]"), "{lib}");
    }
}

/// Files are named by their path, in full or from where the one before was.
#[test]
fn the_files_that_it_names_exist() {
    let page = read("ARCHITECTURE.md");
    let mut folder = root().to_owned();
    for span in page.split("```").step_by(2).flat_map(|part| part.split('`').skip(1).step_by(2)) {
        if !span.ends_with(".rs") || span.contains(' ') {
            continue;
        }
        let places = [root().join(span), folder.join(span), folder.join("..").join(span)];
        let file = places.iter().find(|place| place.is_file());
        folder = file.unwrap_or_else(|| panic!("{span} is nowhere")).parent().unwrap().to_owned();
    }
}

#[test]
fn the_readme_names_every_feature() {
    let (manifest, readme) = (read("Cargo.toml"), read("README.md"));
    let section = manifest.split("\n[").find_map(|part| part.strip_prefix("features]\n"));
    let lines = section.expect("there are features").lines();
    let names: Vec<_> = lines.filter_map(|line| line.split_once(" = ").map(|(n, _)| n)).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names.iter().filter(|name| **name != "default" && !name.starts_with('#')) {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}
