#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| skanrs_fuzz::radius_and_pruning(data));
