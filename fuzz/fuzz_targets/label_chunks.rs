#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| skanrs_fuzz::label_chunks(data));
