// cuBLAS: products against plain loops, what it refuses, and how its compute types round.
#include <cublas_v2.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

#include "emulator/device_array.h"
#include "emulator/emulator.h"
#include "emulator/operand_rounding.h"

namespace emulator {
namespace {

class CublasTest : public testing::Test {
 protected:
  CublasTest() {
    EXPECT_EQ(cublasCreate_v2(&handle_), CUBLAS_STATUS_SUCCESS);
    cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking);
    cublasSetStream_v2(handle_, stream_);
  }
  ~CublasTest() override {
    cublasDestroy_v2(handle_);
    cudaStreamDestroy(stream_);
  }

  cublasStatus_t gemm(cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
                      const float* a, int lda, const float* b, int ldb, float beta, float* c,
                      int ldc, cublasComputeType_t compute = CUBLAS_COMPUTE_32F) {
    const float alpha = 2;
    return cublasGemmEx(handle_, op_a, op_b, m, n, k, &alpha, a, CUDA_R_32F, lda, b, CUDA_R_32F,
                        ldb, &beta, c, CUDA_R_32F, ldc, compute, CUBLAS_GEMM_DEFAULT);
  }
  /// The product of two numbers, as the compute type makes it, over 2.
  float product(float a, float b, cublasComputeType_t compute) {
    const DeviceArray<float> left(1, a), right(1, b), out(1);
    EXPECT_EQ(gemm(CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, left.get(), 1, right.get(), 1, 0, out.get(),
                   1, compute),
              CUBLAS_STATUS_SUCCESS);
    cudaStreamSynchronize(stream_);
    return out.values()[0] / 2;
  }

  cublasHandle_t handle_ = nullptr;
  cudaStream_t stream_ = nullptr;
};

std::vector<float> small_integers(std::size_t n) {
  static std::mt19937 numbers(7);
  std::vector<float> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(static_cast<float>(numbers() % 9) - 4);
  return values;
}

TEST_F(CublasTest, IsTheProductInEveryTransposition) {
  const int m = 5, n = 7, k = 3, lda = 8, ldb = 9, ldc = 6;
  for (const cublasOperation_t op_a : {CUBLAS_OP_N, CUBLAS_OP_T}) {
    for (const cublasOperation_t op_b : {CUBLAS_OP_N, CUBLAS_OP_T}) {
      for (const float beta : {0.0F, 1.0F}) {
        const std::vector<float> a = small_integers(8 * 5), b = small_integers(9 * 7);
        const std::vector<float> before = small_integers(6 * 7);
        const DeviceArray<float> da(a), db(b), dc(before);
        ASSERT_EQ(gemm(op_a, op_b, m, n, k, da.get(), lda, db.get(), ldb, beta, dc.get(), ldc),
                  CUBLAS_STATUS_SUCCESS);
        cudaStreamSynchronize(stream_);
        const std::vector<float> c = dc.values();
        for (int j = 0; j < n; ++j) {
          for (int i = 0; i < ldc; ++i) {
            const auto at = static_cast<std::size_t>(j * ldc + i);
            float want = beta * before[at];
            for (int q = 0; q < k; ++q) {
              const int of_a = op_a == CUBLAS_OP_N ? q * lda + i : i * lda + q;
              const int of_b = op_b == CUBLAS_OP_N ? j * ldb + q : q * ldb + j;
              if (i < m) {
                want += 2 * a[static_cast<std::size_t>(of_a)] * b[static_cast<std::size_t>(of_b)];
              }
            }
            EXPECT_EQ(c[at], i < m ? want : before[at]) << i << ", " << j;
          }
        }
      }
    }
  }
}

TEST_F(CublasTest, RunsInItsStreamsTurn) {
  const DeviceArray<float> one(1, 1), out(1, 0);
  cudaMemsetAsync(one.get(), 0, sizeof(float), stream_);
  gemm(CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, one.get(), 1, one.get(), 1, 1, out.get(), 1);
  cudaStreamSynchronize(stream_);
  EXPECT_EQ(out.values()[0], 0);
}

TEST_F(CublasTest, WithoutATermItScales) {
  const DeviceArray<float> one(1, 1), out(1, 3);
  EXPECT_EQ(gemm(CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 0, one.get(), 1, one.get(), 1, 1, out.get(), 1),
            CUBLAS_STATUS_SUCCESS);
  cudaStreamSynchronize(stream_);
  EXPECT_EQ(out.values()[0], 3);
  EXPECT_EQ(gemm(CUBLAS_OP_N, CUBLAS_OP_N, 0, 1, 1, one.get(), 1, one.get(), 1, 1, out.get(), 1),
            CUBLAS_STATUS_SUCCESS);
}

TEST_F(CublasTest, WhereBetaIsZeroItDoesNotReadTheResult) {
  const DeviceArray<float> one(1, 1), out(1, std::nanf(""));
  gemm(CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, one.get(), 1, one.get(), 1, 0, out.get(), 1);
  cudaStreamSynchronize(stream_);
  EXPECT_EQ(out.values()[0], 2);
}

TEST_F(CublasTest, TakesFactorsFromTheDevice) {
  const DeviceArray<float> alpha(1, 3), beta(1, 10), x(1, 2), out(1, 1);
  cublasSetPointerMode_v2(handle_, CUBLAS_POINTER_MODE_DEVICE);
  EXPECT_EQ(cublasSgemm_v2(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, alpha.get(), x.get(), 1,
                           x.get(), 1, beta.get(), out.get(), 1),
            CUBLAS_STATUS_SUCCESS);
  cudaStreamSynchronize(stream_);
  EXPECT_EQ(out.values()[0], 22);
}

TEST_F(CublasTest, RefusesWhatCublasRefuses) {
  const DeviceArray<float> x(64, 1);
  float* const p = x.get();
  const auto invalid = CUBLAS_STATUS_INVALID_VALUE;
  EXPECT_EQ(gemm(CUBLAS_OP_N, CUBLAS_OP_N, -1, 1, 1, p, 1, p, 1, 0, p, 1), invalid);
  EXPECT_EQ(gemm(CUBLAS_OP_N, CUBLAS_OP_N, 3, 2, 4, p, 2, p, 4, 0, p, 3), invalid) << "lda < m";
  EXPECT_EQ(gemm(CUBLAS_OP_T, CUBLAS_OP_N, 3, 2, 4, p, 3, p, 4, 0, p, 3), invalid) << "lda < k";
  EXPECT_EQ(gemm(CUBLAS_OP_N, CUBLAS_OP_N, 3, 2, 4, p, 3, p, 3, 0, p, 3), invalid) << "ldb < k";
  EXPECT_EQ(gemm(CUBLAS_OP_N, CUBLAS_OP_T, 3, 2, 4, p, 3, p, 1, 0, p, 3), invalid) << "ldb < n";
  EXPECT_EQ(gemm(CUBLAS_OP_N, CUBLAS_OP_N, 3, 2, 4, p, 3, p, 4, 0, p, 2), invalid) << "ldc < m";
  EXPECT_EQ(gemm(CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 0, p, 1, p, 0, 0, p, 1), invalid) << "ldb < 1";
  EXPECT_EQ(cublasSetWorkspace_v2(handle_, p + 1, 8), invalid) << "256 bytes of alignment";
}

TEST_F(CublasTest, RoundsOperandsAsTheComputeTypeDoes) {
  const float third = 1.0F / 3;
  EXPECT_EQ(product(third, 1, CUBLAS_COMPUTE_32F), third);
  EXPECT_EQ(product(third, 1, CUBLAS_COMPUTE_32F_FAST_TF32), rounded_to_tf32(third));
  EXPECT_EQ(product(1, third, CUBLAS_COMPUTE_32F_FAST_16BF), rounded_to_bf16(third));
  cublasSetMathMode(handle_, CUBLAS_TF32_TENSOR_OP_MATH);
  EXPECT_EQ(product(third, 1, CUBLAS_COMPUTE_32F), rounded_to_tf32(third));
  EXPECT_EQ(product(third, 1, CUBLAS_COMPUTE_32F_PEDANTIC), third);
}

TEST_F(CublasTest, TakesOperandsInBfloat16) {
  const DeviceArray<std::uint16_t> half(1, 0x3F00), three(1, 0x4040);
  const DeviceArray<float> out(1);
  const float alpha = 1, beta = 0;
  EXPECT_EQ(cublasGemmEx(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &alpha, half.get(),
                         CUDA_R_16BF, 1, three.get(), CUDA_R_16BF, 1, &beta, out.get(), CUDA_R_32F,
                         1, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
            CUBLAS_STATUS_SUCCESS);
  cudaStreamSynchronize(stream_);
  EXPECT_EQ(out.values()[0], 1.5F);
}

TEST(OperandRoundingTest, KeepsSoManyBitsOfTheMantissa) {
  const float ulp_of_tf32 = std::ldexp(1.0F, -10), ulp_of_bf16 = std::ldexp(1.0F, -7);
  EXPECT_EQ(rounded_to_tf32(1 + ulp_of_tf32), 1 + ulp_of_tf32);
  EXPECT_EQ(rounded_to_tf32(1 + ulp_of_tf32 / 2), 1 + ulp_of_tf32) << "a tie, away from zero";
  EXPECT_EQ(rounded_to_tf32(-1 - ulp_of_tf32 / 2), -1 - ulp_of_tf32);
  EXPECT_EQ(rounded_to_tf32(1 + ulp_of_tf32 * 0.49F), 1);
  EXPECT_EQ(rounded_to_bf16(1 + ulp_of_bf16 / 2), 1) << "a tie, to even";
  EXPECT_EQ(rounded_to_bf16(1 + ulp_of_bf16 * 1.5F), 1 + 2 * ulp_of_bf16);
  EXPECT_EQ(rounded_to_bf16(1 + ulp_of_bf16 * 0.51F), 1 + ulp_of_bf16);
  for (float (*const rounded)(float) : {rounded_to_tf32, rounded_to_bf16}) {
    EXPECT_EQ(rounded(-0.0F), 0);
    EXPECT_EQ(rounded(INFINITY), INFINITY);
    EXPECT_TRUE(std::isnan(rounded(std::nanf("1"))));
  }
}

TEST_F(CublasTest, ColumnsMayLieBetweenAnothers) {
  const DeviceArray<float> x(std::vector<float>{1, 2, 0, 0, 3, 4, 0, 0});
  gemm(CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, x.get(), 4, x.get(), 4, 0, x.get() + 2, 4);
  cudaStreamSynchronize(stream_);
  EXPECT_EQ(x.values(), (std::vector<float>{1, 2, 14, 20, 3, 4, 30, 44}));
}

using CublasDeathTest = CublasTest;

TEST_F(CublasDeathTest, AProductMayNotLieOnItsFactors) {
  const DeviceArray<float> x(8, 1), y(4, 1);
  const auto multiply = [&](float* a, float* b, float* c) {
    gemm(CUBLAS_OP_N, CUBLAS_OP_T, 2, 2, 2, a, 4, b, 2, 0, c, 2);
  };
  EXPECT_DEATH(multiply(y.get(), x.get(), x.get()), "the product lies on one of its factors");
  EXPECT_DEATH(multiply(x.get(), y.get(), x.get() + 3), "the product lies on one of its factors");
  EXPECT_DEATH(multiply(x.get(), y.get(), x.get() + 1), "the product lies on one of its factors");
}

TEST_F(CublasDeathTest, TuringRoundsToNeitherTf32NorBfloat16) {
  const auto multiply_on_turing = [&](cublasComputeType_t compute) {
    ::setenv("HOURGLASS_EMULATOR_CARD", "sm_75", 1);
    product(1, 1, compute);
  };
  EXPECT_DEATH(multiply_on_turing(CUBLAS_COMPUTE_32F_FAST_TF32), "on sm_75, which has none");
  EXPECT_DEATH(multiply_on_turing(CUBLAS_COMPUTE_32F_FAST_16BF), "on sm_75, which has none");
}

TEST_F(CublasDeathTest, AMatrixMustLieInItsMemory) {
  const DeviceArray<float> x(12, 1), out(3);
  const auto multiply = [&](int lda) {
    gemm(CUBLAS_OP_N, CUBLAS_OP_N, 3, 1, 4, x.get(), lda, x.get(), 4, 0, out.get(), 3);
    cudaStreamSynchronize(stream_);
  };
  EXPECT_DEATH(multiply(4), "a product of cuBLAS: 60 bytes .* are not all device memory");
  EXPECT_DEATH(cublasSetWorkspace_v2(handle_, x.get(), 49), "cublasSetWorkspace: 49 bytes");
}

TEST_F(CublasDeathTest, WhatIsNotModelledIsNamed) {
  const DeviceArray<float> x(1, 1), out(1);
  EXPECT_DEATH(gemm(CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, x.get(), 1, x.get(), 1, 0, out.get(), 1,
                    CUBLAS_COMPUTE_32F_FAST_16F),
               "compute type 74 is not modelled");
}

}  // namespace
}  // namespace emulator
