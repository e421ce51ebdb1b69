# Which lane must catch which planted bug, and by what words. Where a lane is not named, the bug may
# pass there. "wrong result" is what a test of the result would see.
set(planted_bugs_in_all
    "divergent_barrier|came to a barrier while others wait at another"
    "deadlock|no thread of the block can go on"
    "mask_names_absent_lanes|has exited|names lanes that have exited"
    "mask_without_caller|which does not name it"
    "lane_outside_of_mask|which is not in its mask"
    "double_free|no allocation begins there"
    "leaked_device_memory|has not freed 1 allocations of device memory"
    "leaked_pinned_memory|has not freed 1 allocations of pinned memory"
    "leaked_stream|has not freed 1 streams"
    "leaked_event|has not freed 1 events"
    "leaked_graph|has not freed 1 executable graphs"
    "leaked_cublas_handle|has not freed 1 cuBLAS handles")
set(planted_bugs_in_plain
    "missing_barrier|wrong result"
    "missing_second_barrier|wrong result"
    "write_beyond_end|somebody wrote 1 bytes beyond the end"
    "write_far_beyond_end|access to .* beyond the end of the 132 bytes of device memory"
    "write_before_begin|somebody wrote"
    "uninitialised_read|wrong result"
    "uninitialised_shared_read|wrong result"
    "uninitialised_result|wrong result"
    "use_after_free|access to .* device memory that is free"
    "stack_overflow|needs more than"
    "early_host_read|wrong result"
    "early_host_write|wrong result"
    "missing_wait_for_event|wrong result")
# By ten orders: what a random one may hide is not here.
set(planted_bugs_in_random
    "missing_barrier|wrong result"
    "missing_second_barrier|wrong result")
set(planted_bugs_in_asan
    "missing_barrier|wrong result"
    "missing_second_barrier|wrong result"
    "write_beyond_end|AddressSanitizer"
    "write_far_beyond_end|AddressSanitizer"
    "write_before_begin|AddressSanitizer"
    "read_beyond_end|AddressSanitizer"
    "uninitialised_read|wrong result"
    "shared_index_beyond_end|AddressSanitizer|runtime error: index"
    "use_after_free|AddressSanitizer"
    "host_reads_device_memory|AddressSanitizer"
    "stack_overflow|AddressSanitizer"
    "early_host_read|wrong result"
    "early_host_write|wrong result")
set(planted_bugs_in_races
    "missing_barrier|race: .*shared memory"
    "missing_second_barrier|race: .*shared memory"
    "missing_syncwarp|race: .*shared memory"
    "lost_atomic|race: .*device memory"
    "missing_fence|race: .*device memory"
    "missing_fence_of_reader|race: .*device memory"
    "overlapping_blocks|race: .*device memory")
set(planted_bugs_in_msan
    "missing_barrier|cudaMemcpy reads what was never written"
    "read_beyond_end|cudaMemcpy reads what was never written"
    "uninitialised_read|cudaMemcpy reads what was never written"
    "uninitialised_shared_read|cudaMemcpy reads what was never written"
    "uninitialised_result|cudaMemcpy reads what was never written"
    "early_host_read|use-of-uninitialized-value")

# hourglass_expect_caught(LANE PROGRAM): the program (planted_bugs.cc, compiled as the lane's) runs
# to its end without the bugs, and with any of the lane's it is caught. A test each.
set(emulator_folder ${CMAKE_CURRENT_LIST_DIR})
function(hourglass_expect_caught lane program)
  set(seeds 0)
  if(lane STREQUAL "random")
    set(seeds "1 2 3 4 5 6 7 8 9 10")
  endif()
  add_test(NAME emulator.${lane}.no_bug
           COMMAND ${emulator_folder}/expect_sound ${seeds} $<TARGET_FILE:${program}>)
  foreach(bug IN LISTS planted_bugs_in_all planted_bugs_in_${lane})
    string(FIND "${bug}" "|" bar)
    string(SUBSTRING "${bug}" 0 ${bar} name)
    math(EXPR bar "${bar} + 1")
    string(SUBSTRING "${bug}" ${bar} -1 pattern)
    add_test(NAME emulator.${lane}.${name}
             COMMAND ${emulator_folder}/expect_caught ${pattern} ${seeds} $<TARGET_FILE:${program}> ${name})
  endforeach()
endfunction()
