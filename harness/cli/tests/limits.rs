//! The table of limits is true: every limit in it is in the code with that value, with a test, and none is left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A row of the table, and where it is.
struct Row {
    line: usize,
    limit: String,
    value: String,
    changed_by: String,
    file: String,
    constant: String,
    test: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn table() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/limits.md")).expect("the page is there");
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if !line.starts_with("| ") || cells[0] == "limit" {
            continue;
        }
        let [limit, value, changed_by, constant, test] = cells[..] else {
            panic!("docs/limits.md:{}: {} cells", index + 1, cells.len());
        };
        let constant = constant.trim_matches('`');
        let (file, constant) = constant.split_once(' ').unwrap_or((constant, ""));
        rows.push(Row {
            line: index + 1,
            limit: limit.to_owned(),
            value: value.to_owned(),
            changed_by: changed_by.to_owned(),
            file: file.to_owned(),
            constant: constant.to_owned(),
            test: test.trim_matches('`').to_owned(),
        });
    }
    rows
}

/// The constants of a source file that are numbers or durations: name and value, outside of its tests.
fn constants(text: &str) -> BTreeMap<String, String> {
    let code = text
        .split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let code = code
        .split("\n#[cfg(all(test, unix))]\nmod tests {")
        .next()
        .unwrap_or_default();
    let mut found = BTreeMap::new();
    for line in code.lines() {
        let Some((_, rest)) = line.split_once("const ") else {
            continue;
        };
        let Some((name, rest)) = rest.split_once(": ") else {
            continue;
        };
        let Some((kind, value)) = rest.split_once(" = ") else {
            continue;
        };
        if ["usize", "u64", "u32", "u16", "u8", "Duration"].contains(&kind) {
            found.insert(name.to_owned(), value.trim_end_matches(';').to_owned());
        }
    }
    found
}

/// What a constant's text amounts to: a number, or milliseconds.
fn evaluated(text: &str) -> u64 {
    let within = |from: &str| text.strip_prefix(from)?.strip_suffix(')');
    if let Some(seconds) = within("Duration::from_secs(") {
        return 1000 * evaluated(seconds);
    }
    if let Some(milliseconds) = within("Duration::from_millis(") {
        return evaluated(milliseconds);
    }
    if let Some((one, by)) = text.split_once(" << ") {
        return evaluated(one) << evaluated(by);
    }
    let factors = text.split(" * ").map(|factor| factor.replace('_', ""));
    factors
        .map(|factor| {
            factor
                .parse::<u64>()
                .unwrap_or_else(|_| panic!("`{text}` is no number"))
        })
        .product()
}

/// What the table says: a number, octets in binary units, or a time.
fn said(text: &str) -> u64 {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: u64 = number
        .replace(',', "")
        .parse()
        .unwrap_or_else(|_| panic!("`{text}` is no number"));
    number
        * match unit {
            "" | "ms" => 1,
            "s" => 1000,
            "KiB" => 1024,
            "MiB" => 1024 * 1024,
            other => panic!("`{other}` is no unit"),
        }
}

#[test]
fn every_limit_of_the_table_is_in_the_code_with_that_value_and_has_a_test() {
    let rows = table();
    assert!(rows.len() > 50, "{} rows", rows.len());
    for row in &rows {
        let at = format!("docs/limits.md:{}: {}", row.line, row.limit);
        let read = |file: &str| {
            let path = root().join("harness").join(file);
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{at}: {}: {error}", path.display()))
        };
        let known = constants(&read(&row.file));
        let value = known.get(&row.constant);
        let value = value.unwrap_or_else(|| panic!("{at}: there is no {} in {}", row.constant, row.file));
        assert_eq!(said(&row.value), evaluated(value), "{at}");
        assert!(!row.changed_by.is_empty(), "{at}");
        // Where there is no test, it is said why none is needed.
        let Some((file, test)) = row.test.split_once(".rs ") else {
            assert!(row.test.starts_with("none: "), "{at}: `{}` is no test", row.test);
            continue;
        };
        let has_test = read(&format!("{file}.rs")).contains(&format!("fn {test}("));
        assert!(has_test, "{at}: there is no test {test} in {file}.rs");
    }
}

#[test]
fn every_test_that_a_page_names_is_there() {
    for page in ["SECURITY.md", "docs/versioning.md"] {
        let text = fs::read_to_string(root().join(page)).expect("the page is there");
        let spans = text.split('`').skip(1).step_by(2);
        let named: Vec<(&str, &str)> = spans.filter_map(|span| span.split_once(".rs ")).collect();
        assert!(named.len() >= 5, "{page} names {} tests", named.len());
        for (file, test) in named {
            let source = fs::read_to_string(root().join(format!("harness/{file}.rs")));
            let has_test = source.is_ok_and(|source| source.contains(&format!("fn {test}(")));
            assert!(has_test, "{page}: there is no test {test} in {file}.rs");
        }
    }
}

#[test]
fn no_limit_of_the_harness_is_missing_from_the_table() {
    let rows = table();
    let mut missing = Vec::new();
    for crate_name in [
        "oma-dm", "model", "case", "judge", "oddity", "tls", "roles", "runner", "report", "bundle", "cli",
    ] {
        for path in sources(&root().join("harness").join(crate_name).join("src")) {
            let text = fs::read_to_string(&path).expect("it can be read");
            let file = path.strip_prefix(root().join("harness")).expect("it is below");
            let file = file.display().to_string();
            let names = constants(&text).into_keys().filter(|name| is_limit(name));
            missing.extend(
                names
                    .filter(|name| !rows.iter().any(|row| row.file == file && row.constant == *name))
                    .map(|name| format!("{file} {name}")),
            );
        }
    }
    assert!(missing.is_empty(), "docs/limits.md has no row for {missing:#?}");
}

/// Whether a constant is called what limits are called.
fn is_limit(name: &str) -> bool {
    let begins = [
        "MAX_", "MOST", "LONGEST", "LARGEST", "DEEPEST", "KEPT", "FOLLOWED",
    ];
    let ends = ["PATIENCE", "FUEL", "GRACE", "LOOK", "_KEPT"];
    begins.iter().any(|word| name.starts_with(word)) || ends.iter().any(|word| name.ends_with(word))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be looked at").path());
    let is_test = |path: &PathBuf| {
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        stem == "tests" || stem.ends_with("_tests")
    };
    paths
        .filter(|path| !is_test(path))
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .collect()
}
