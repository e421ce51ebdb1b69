# Which lane must catch which planted bug, and by what words; "wrong result" is what a test of the
# result would see. A lane has all that are here, but for what it cannot see:
#   lost_atomic, missing_fence, missing_fence_of_reader, overlapping_blocks and missing_syncwarp are
#     races' alone. Elsewhere a thread runs on until it meets others, blocks run one after another,
#     and what is written is there at once: the result is right in every order.
#   shared_index_beyond_end and host_reads_device_memory are asan's alone. Elsewhere this memory is
#     the program's, to read and to write.
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
# By the pages round an allocation, and what is beside it on its own.
set(by_pages
    "write_beyond_end|somebody wrote 1 bytes beyond the end"
    "write_far_beyond_end|access to .* beyond the end of the 132 bytes of device memory"
    "write_before_begin|somebody wrote"
    "use_after_free|access to .* device memory that is free"
    "stack_overflow|needs more than")
# By NaN, which is what was never written.
set(by_poison
    "read_beyond_end|wrong result"
    "uninitialised_read|wrong result"
    "uninitialised_shared_read|wrong result"
    "uninitialised_result|wrong result")
set(by_deferred_work
    "early_host_read|wrong result"
    "early_host_write|wrong result"
    "missing_wait_for_event|wrong result")
set(by_fixed_order
    "missing_barrier|wrong result"
    "missing_second_barrier|wrong result")
set(planted_bugs_in_plain ${by_pages} ${by_poison} ${by_deferred_work} ${by_fixed_order})
set(planted_bugs_in_random ${by_pages} ${by_poison} ${by_fixed_order})
# A device that is quick by chance hides what the host does too early.
set(planted_bugs_in_some_of_random ${by_deferred_work})
set(planted_bugs_in_asan
    ${by_deferred_work} ${by_fixed_order}
    "write_beyond_end|AddressSanitizer"
    "write_far_beyond_end|AddressSanitizer"
    "write_before_begin|AddressSanitizer"
    "read_beyond_end|AddressSanitizer"
    "uninitialised_read|wrong result"
    "uninitialised_shared_read|wrong result"
    "uninitialised_result|wrong result"
    "shared_index_beyond_end|AddressSanitizer|runtime error: index"
    "use_after_free|AddressSanitizer"
    "host_reads_device_memory|AddressSanitizer"
    "stack_overflow|AddressSanitizer")
set(planted_bugs_in_races
    ${by_pages} ${by_poison} ${by_deferred_work}
    "missing_barrier|race: .*shared memory"
    "missing_second_barrier|race: .*shared memory"
    "missing_syncwarp|race: .*shared memory"
    "lost_atomic|race: .*device memory"
    "missing_fence|race: .*device memory"
    "missing_fence_of_reader|race: .*device memory"
    "overlapping_blocks|race: .*device memory")
set(planted_bugs_in_msan
    ${by_pages}
    "missing_barrier|cudaMemcpy reads what was never written"
    "missing_second_barrier|wrong result"
    "read_beyond_end|cudaMemcpy reads what was never written"
    "uninitialised_read|cudaMemcpy reads what was never written"
    "uninitialised_shared_read|cudaMemcpy reads what was never written"
    "uninitialised_result|cudaMemcpy reads what was never written"
    "early_host_read|use-of-uninitialized-value"
    "early_host_write|wrong result"
    "missing_wait_for_event|cudaMemcpy reads what was never written")

# hourglass_expect_caught(LANE PROGRAM): the program (planted_bugs.cc, compiled as the lane's) runs
# to its end without the bugs, and with any of the lane's it is caught. A test each.
function(hourglass_expect_caught lane program)
  set(seeds 0)
  if(lane STREQUAL "random")
    set(seeds "1 2 3 4 5 6 7 8 9 10")
  endif()
  add_test(NAME emulator.${lane}.no_bug
           COMMAND ${emulator_folder}/expect_sound ${seeds} $<TARGET_FILE:${program}>)
  foreach(how every some)
    set(bugs ${planted_bugs_in_all} ${planted_bugs_in_${lane}})
    if(how STREQUAL "some")
      set(bugs ${planted_bugs_in_some_of_${lane}})
    endif()
    foreach(bug IN LISTS bugs)
      string(FIND "${bug}" "|" bar)
      string(SUBSTRING "${bug}" 0 ${bar} name)
      math(EXPR bar "${bar} + 1")
      string(SUBSTRING "${bug}" ${bar} -1 pattern)
      add_test(NAME emulator.${lane}.${name}
               COMMAND ${emulator_folder}/expect_caught ${how} ${pattern} ${seeds}
                       $<TARGET_FILE:${program}> ${name})
    endforeach()
  endforeach()
endfunction()
