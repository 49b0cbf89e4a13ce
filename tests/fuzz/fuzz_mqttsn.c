/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams of MQTT-SN 1.2. */
#include "tests/fuzz/datagram_input.h"
#include "tests/harness/any_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    datagram_input_check(data, size, any_message_check);
    return 0;
}
