//! The deviations and oddities of the suite are those that the code has.

use dmconform_case::Suite;
use dmconform_oddity::Oddity;
use dmconform_reference::Deviation;

#[test]
fn the_suite_names_the_deviations_of_the_reference_implementation_in_its_words() {
    let stated: Vec<String> = Suite::embedded()
        .deviations
        .iter()
        .map(|deviation| {
            let of: Vec<&str> = deviation.of.iter().map(|role| role.as_str()).collect();
            format!(
                "{} of {}: {}: {}",
                deviation.name,
                of.join(", "),
                deviation.breaks,
                deviation.words
            )
        })
        .collect();
    let had: Vec<String> = Deviation::ALL
        .iter()
        .map(|deviation| {
            let of: Vec<String> = deviation.roles().iter().map(ToString::to_string).collect();
            format!("{deviation} of {}: {}", of.join(", "), deviation.breaks())
        })
        .collect();
    assert_eq!(stated, had);
}

#[test]
fn the_suite_names_every_oddity_and_no_other() {
    let suite = Suite::embedded();
    let stated: Vec<&str> = suite.oddities.iter().map(|oddity| oddity.name.as_str()).collect();
    let had: Vec<&str> = Oddity::ALL.iter().map(|oddity| oddity.name()).collect();
    assert_eq!(stated, had);
}
