/* SPDX-License-Identifier: Apache-2.0 */
#include "net/failure.h"

#include <stdarg.h>
#include <stdio.h>

int failure_tell(char failure[static FAILURE_SIZE], int result, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(failure, FAILURE_SIZE, format, arguments);
    va_end(arguments);
    return result;
}
