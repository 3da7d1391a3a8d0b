//! `dmconform bundle`: makes a signed bundle of a certification, and verifies one.

use std::io::{ErrorKind, Read as _};
use std::path::Path;

use dmconform_bundle::{
    LARGEST, Outcome, PublicKey, Refusal, SigningKey, StoredRun, Trust, Verified, catalogue, create, names,
    verify,
};
use dmconform_model::{Verdict, remedy};
use serde_json::{Value, json};

use super::certification::{FOLDER, transcripts};
use super::{stored, work};
use crate::arguments::{Bundle, BundleCommand, CreateBundle, Format, VerifyBundle};
use crate::output::{Failure, print};
use crate::{below, bounded};

/// Makes a bundle, or verifies one.
pub(crate) fn run(arguments: &Bundle) -> Result<u8, Failure> {
    match &arguments.what {
        BundleCommand::Create(arguments) => make(arguments),
        BundleCommand::Verify(arguments) => look(arguments),
    }
}

fn make(arguments: &CreateBundle) -> Result<u8, Failure> {
    let key = match &arguments.key {
        Some(path) => SigningKey::from_pem(&key_text(path)?)
            .map_err(|error| Failure::usage(format!("{error} (`{}`)", path.display())))?,
        None => SigningKey::generate().map_err(|error| Failure::environment(error.to_string()))?,
    };
    let run = stored_run(&arguments.run)?;
    let (bundle, verified) = create(run, &key)
        .map_err(|error| Failure::usage(format!("{error} (`{}`)", arguments.run.display())))?;
    let path = arguments.out.display();
    // Whole transcripts are in it, with the credentials of the run.
    work::write_new_private(&arguments.out, &bundle).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::usage(format!(
            "write the bundle `{path}`: {error}; choose a place where nothing is yet with --out"
        )),
        _ => Failure::environment(format!("write the bundle `{path}`: {error}; {}", remedy(&error))),
    })?;
    let kept = match arguments.key {
        Some(_) => "",
        None => {
            ", a key that was made for this bundle and is kept nowhere: hand on its fingerprint on another way"
        }
    };
    print(&match arguments.format {
        Format::Json => written_down(&told(&verified)),
        Format::Text => format!(
            "{}{:>14}: {}{kept}\nbundle in {path}\n",
            verified.certification.to_text(&verified.others),
            "signed by",
            verified.signed_by
        ),
    });
    Ok(0)
}

/// What a certification has left behind in its directory.
fn stored_run(directory: &Path) -> Result<StoredRun, Failure> {
    if !directory.join(FOLDER).is_dir() {
        return Err(Failure::usage(format!(
            "make a bundle of `{}`: it is no certification that was ended; `dmconform run --certification` makes one",
            directory.display()
        )));
    }
    let read = |place: &Path| {
        below::octets(directory, place).map_err(|error| {
            let remedy = match error.kind() {
                ErrorKind::NotFound => {
                    "; `dmconform run --certification` writes it: find a whole copy, or certify again"
                }
                _ => "",
            };
            let path = directory.join(place);
            Failure::usage(format!("read `{}`: {error}{remedy}", path.display()))
        })
    };
    let beside = |name: &str| read(&Path::new(FOLDER).join(name));
    let record = stored::record(directory)?;
    let name = record
        .run
        .targets
        .first()
        .map_or("", |target| target.name.as_str());
    let judged = record.cases.iter();
    let judged = judged.filter(|case| case.verdict != Verdict::NotApplicable);
    Ok(StoredRun {
        catalogue: catalogue(),
        implementation: beside(names::IMPLEMENTATION)?,
        profile: beside(names::PROFILE)?,
        results: read(Path::new(names::RESULTS))?,
        attempts: beside(names::ATTEMPTS)?,
        transcripts: transcripts(directory, name, judged.map(|case| &case.id))?,
    })
}

fn look(arguments: &VerifyBundle) -> Result<u8, Failure> {
    let trust = trust(arguments)?;
    let verified = verify(&octets(&arguments.bundle)?, &trust);
    let is_taken = match &verified {
        Ok(verified) => !arguments.certified || verified.certification.outcome == Outcome::Certified,
        Err(_) => false,
    };
    print(&match (&verified, arguments.format) {
        (Ok(verified), Format::Json) => written_down(&told(verified)),
        (Err(refusal), Format::Json) => written_down(&refused(refusal)),
        (Ok(verified), Format::Text) => in_words(verified, &trust, is_taken),
        (Err(refusal), Format::Text) => refused_in_words(refusal),
    });
    Ok(u8::from(!is_taken))
}

/// The octets of a bundle; not more of them than any bundle has.
fn octets(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: std::io::Error| Failure::usage(format!("read the bundle `{}`: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut octets = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut octets).map_err(failed)?;
    Ok(octets)
}

fn key_text(path: &Path) -> Result<String, Failure> {
    bounded::text(path).map_err(|error| Failure::usage(format!("read the key `{}`: {error}", path.display())))
}

/// Whose signature the user trusts.
fn trust(arguments: &VerifyBundle) -> Result<Trust, Failure> {
    if let Some(path) = &arguments.key {
        let key = PublicKey::from_pem(&key_text(path)?)
            .map_err(|error| Failure::usage(format!("{error} (`{}`)", path.display())))?;
        return Ok(Trust::Fingerprint(key.fingerprint()));
    }
    let Some(given) = &arguments.fingerprint else {
        return Ok(Trust::Anybody);
    };
    let digits: String = given.chars().filter(|character| *character != ':').collect();
    let is_digest = digits.len() == 64 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
    if !is_digest {
        return Err(Failure::usage(format!(
            "read `{given}` as a fingerprint: it is the SHA-256 digest of a key, 64 hexadecimal digits"
        )));
    }
    Ok(Trust::Fingerprint(digits.to_ascii_lowercase()))
}

fn told(verified: &Verified) -> Value {
    json!({
        "verified": true,
        "signed-by": verified.signed_by,
        "certification": verified.certification,
        "other-attempts": verified.others,
    })
}

fn refused(refusal: &Refusal) -> Value {
    let differences = match refusal {
        Refusal::JudgedOtherwise { differences, .. } => differences.as_slice(),
        _ => &[],
    };
    json!({
        "verified": false,
        "code": refusal.code(),
        "reason": refusal.to_string(),
        "differences": differences,
    })
}

fn written_down(value: &Value) -> String {
    format!("{value:#}\n")
}

fn in_words(verified: &Verified, trust: &Trust, is_taken: bool) -> String {
    let opening = match is_taken {
        true => "verified: the bundle is whole, and what it states follows from what is in it",
        false => "refused: what it states was verified, and it does not state that the product is certified",
    };
    let whose = match trust {
        Trust::Anybody => {
            ", and whose key that is, you have to know: --key or --fingerprint names the one you trust"
        }
        Trust::Fingerprint(_) => ", as was asked for",
    };
    format!(
        "{opening}\n{}{:>14}: {}{whose}\n",
        verified.certification.to_text(&verified.others),
        "signed by",
        verified.signed_by
    )
}

fn refused_in_words(refusal: &Refusal) -> String {
    let differences = match refusal {
        Refusal::JudgedOtherwise { differences, .. } => differences.as_slice(),
        _ => &[],
    };
    let lines = differences.iter().map(|difference| {
        let (case, stated, here) = (&difference.case, &difference.stated, &difference.here);
        format!("  {case}: {stated} in the bundle, {here} here\n")
    });
    format!("refused: failed to {refusal}\n{}", lines.collect::<String>())
}
