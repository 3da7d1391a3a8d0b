//! Media types: what is written of one reads back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oma_dm::media_type::MediaType;

fuzz_target!(|text: &str| {
    let Ok(media_type) = MediaType::parse(text) else {
        return;
    };
    assert_eq!(
        MediaType::parse(&media_type.to_string()).as_ref(),
        Ok(&media_type)
    );
});
