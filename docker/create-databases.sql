-- Run once by the postgres image, after it has created the database hub itself.
create database airflow;
